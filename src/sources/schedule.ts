// Schedules the runs of data sources: every active data source has its own cron pattern.
import type { App } from '../environments/app.ts';
import type { Schedule, Schedules } from '../jobs/schedules.ts';
import { onlyOneOf, SOURCE_RUN } from './run.ts';
import * as sources from './sources.ts';
import type { Source } from './sources.ts';

export const sourceSchedules: Schedules = async ({ sql }: App) =>
  (await sources.active(sql)).map(scheduleOf);

/**
 * Returns the schedule of a data source. Jobs that it starts record `schedule` in place of a person who requested them.
 */
const scheduleOf = ({ id, name, cron }: Source): Schedule => ({
  name: sources.scheduleName(id),
  label: `Source ${name}`,
  pattern: cron,
  timeZone: 'UTC',
  kind: SOURCE_RUN,
  input: { source: id },
  onlyOne: onlyOneOf(id),
});
