// The page that lists jobs with filters, and the export of that list.
import type { Request, Response } from 'express';
import type { Queryable } from '../database/sql.ts';
import { exportLines, pageOf, type ChronologicalList } from '../web/chronological-list.ts';
import { plainColumn, type ExportColumn } from '../web/export.ts';
import { byDays, byPerson, whoAndWhen } from '../web/filter-bar.ts';
import { personName } from '../web/format.ts';
import { page } from '../web/pages.ts';
import { can } from '../web/request.ts';
import * as deadLetters from './dead-letters.ts';
import * as jobs from './jobs.ts';
import { scheduleText } from './schedule-text.ts';
import * as scheduled from './schedules.ts';
import type { Tasks } from './task.ts';
import { jobView, lookOf, percentText } from './view.ts';

/** Lists jobs. `upcoming` reads the selections that are scheduled to be transferred. */
export const index =
  (tasks: Tasks, schedules: scheduled.Schedules, upcoming: (on: Queryable) => Promise<unknown[]>) =>
  async (req: Request, res: Response) => {
    const { here } = req;
    const { lines, ...list } = await pageOf(req, listOf(req, tasks));
    await page(req, res, 'jobs/list', {
      title: 'Jobs',
      crumbs: [{ text: 'Jobs' }],
      ...list,
      lines: lines.map((job) => ({ ...jobView(job), percent: percentText(job) })),
      upcoming: can(req, 'transfer') ? await upcoming(here.sql) : [],
      schedules: (await scheduled.shown(here, await schedules(here))).map(scheduleView),
      openLetters: await deadLetters.countOpen(here.sql),
    });
  };

const scheduleView = (schedule: scheduled.Shown) => ({
  ...schedule,
  when: scheduleText(schedule.pattern),
  last: schedule.last && { ...schedule.last, look: lookOf(schedule.last.state) },
});

export const exportJobs = (tasks: Tasks) => (req: Request, res: Response) =>
  exportLines(req, res, listOf(req, tasks), columnsOf(tasks));

const listOf = (req: Request, tasks: Tasks): ChronologicalList<jobs.Listed> => ({
  path: '/jobs',
  filters: [
    {
      kind: 'choice',
      name: 'state',
      label: 'State',
      any: 'Any state',
      choices: jobs.jobStates.map((state) => ({ value: state, text: lookOf(state).text })),
    },
    {
      kind: 'choice',
      name: 'kind',
      label: 'Kind',
      any: 'Any kind',
      choices: Object.entries(tasks).map(([value, { label }]) => ({ value, text: label })),
    },
    byPerson,
    ...byDays,
  ],
  find: ({ state = '', kind = '', ...others }, part) =>
    jobs.list(req.here.sql, { state, kind, ...whoAndWhen(req, others), ...part }),
  idOf: ({ number }) => number,
});

const columnsOf = (tasks: Tasks): ExportColumn<jobs.Listed>[] => [
  plainColumn('number', 'Job', ({ number }) => number),
  plainColumn('name', 'Job name', ({ name }) => name),
  plainColumn('kind', 'Kind', ({ kind }) => tasks[kind]?.label ?? kind),
  plainColumn('state', 'State', ({ state }) => lookOf(state).text),
  plainColumn('done', 'Done', ({ done_count: done }) => done),
  plainColumn('total', 'Of', ({ total_count: total }) => total),
  plainColumn('attempt', 'Attempt', ({ attempt }) => attempt),
  plainColumn('person', 'Person', ({ person }) => person),
  plainColumn('person_name', 'Name', ({ person }) => personName(person)),
  plainColumn('created_at', 'Requested (UTC)', ({ created_at: at }) => at),
  plainColumn('ended_at', 'Ended (UTC)', ({ ended_at: at }) => at),
  plainColumn('problem', 'Problem', ({ problem }) => problem),
];
