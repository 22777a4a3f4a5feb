// How pages show a job: its state with an icon, its progress, and the possible actions.
import { toSqlInstant } from '../database/sql.ts';
import { count } from '../web/format.ts';
import { isLive, type Job, type JobState, type Listed } from './jobs.ts';

const looks: Record<JobState, { icon: string; text: string }> = {
  running: { icon: 'loader', text: 'Running' },
  waiting: { icon: 'hourglass', text: 'Waiting' },
  waiting_children: { icon: 'network', text: 'Waiting for child jobs' },
  done: { icon: 'circle-check', text: 'Done' },
  failed: { icon: 'circle-x', text: 'Failed' },
  cancelled: { icon: 'circle-minus', text: 'Cancelled' },
};

export const lookOf = (state: JobState) => looks[state];

export const jobView = <T extends Listed>(job: T) => ({
  ...job,
  look: lookOf(job.state),
  progressText: progressText(job),
});

function progressText({ doing, done_count: done, total_count: total }: Listed): string {
  const progress = total > 0 ? `: ${count(done)} of ${count(total)}` : '';
  return `${doing || 'Waiting'}${progress}`;
}

/** The progress of a job in a list; empty while the amount of its work is not known. */
export const percentText = ({ done_count: done, total_count: total }: Listed): string =>
  total > 0 ? `${Math.min(100, Math.floor((100 * done) / total))}%` : '';

export const isDelayed = ({ state, run_at: at }: Job) =>
  state === 'waiting' && at !== null && at > toSqlInstant(new Date().toISOString());

type ShownState = JobState | 'cancelling' | 'retrying' | 'delayed';

/** The state that the job’s page shows. For each state, views/jobs/states has a template of the same name. */
export function shownState(job: Job): ShownState {
  if (!isLive(job)) return job.state;
  if (job.cancelled_by) return 'cancelling';
  if (job.problem) return 'retrying';
  return isDelayed(job) ? 'delayed' : job.state;
}

type NextStep = { text: string; href: string; link: string };

const afterFailure: Record<string, NextStep> = {
  refresh: {
    text: 'Copied rows stay and are skipped next time. When the cause is fixed:',
    href: '/refreshes',
    link: 'start it again',
  },
  transfer: { text: 'See the state of the transfer:', href: '/transfers', link: 'Transfers' },
};
const afterCancelling: Record<string, NextStep> = {
  refresh: { text: 'Copied rows stay. To continue:', href: '/refreshes', link: 'run it again' },
};

/** What a person can do about a failed or cancelled job. */
export function nextStep({ state, kind }: Job): NextStep | null {
  if (state === 'failed') return afterFailure[kind] ?? null;
  return state === 'cancelled' ? (afterCancelling[kind] ?? null) : null;
}
