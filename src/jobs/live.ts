// Renders the part of a job’s page that changes while the job runs: steps, log and child jobs. The page and the event
// stream that updates it use the same template.
import { fromSqlInstant, type Queryable } from '../database/sql.ts';
import { duration } from '../web/format.ts';
import { icon } from '../web/icons.ts';
import { exactTime, partial, sentence } from '../web/partials.ts';
import { childrenOf } from './children.ts';
import { isLive, type Job } from './jobs.ts';
import { lookOf } from './view.ts';
import { lastLines, stepsOf, type Step } from './steps.ts';

/** Reads what the template `jobs/live` shows of a job: its steps, the last lines of its log, and its child jobs. */
export async function liveView(on: Queryable, job: Job) {
  const [steps, lines, children] = await Promise.all([
    stepsOf(on, job.id),
    lastLines(on, job.id),
    childrenOf(on, job.id),
  ]);
  return {
    steps: steps.map((step) => ({ ...step, ...stepLook(step, job), took: tookOf(step) })),
    lines,
    children: children.map((child) => ({ ...child, look: lookOf(child.state) })),
    icon,
    exactTime,
    sentence,
  };
}

export const livePart = async (on: Queryable, job: Job): Promise<string> =>
  partial('jobs/live', await liveView(on, job));

const looks: Record<Step['state'], { image: string; text: string }> = {
  running: { image: 'loader', text: 'Running' },
  done: { image: 'circle-check', text: 'Done' },
  failed: { image: 'circle-x', text: 'Failed' },
  stopped: { image: 'circle-pause', text: 'Stopped' },
};

/**
 * The icon and text of a step. A step that counts as running although its job has ended is shown as
 * stopped.
 */
const stepLook = ({ state }: Step, job: Job) =>
  looks[state === 'running' && !isLive(job) ? 'stopped' : state];

const tookOf = ({ started_at, ended_at }: Step) =>
  ended_at === null ? null : duration(millisecondsOf(ended_at) - millisecondsOf(started_at));

const millisecondsOf = (stored: string) => Date.parse(fromSqlInstant(stored));
