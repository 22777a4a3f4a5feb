// The job that compares all rows here with the destination. The page of the comparison shows the last result and its
// age.
import { travelling } from '../catalog/index.ts';
import type { Queryable } from '../database/sql.ts';
import type { Databases, Environment } from '../environments/environment.ts';
import { countRows } from '../rows/store.ts';
import { rulesOf } from '../environments/rules.ts';
import * as jobs from '../jobs/jobs.ts';
import type { Work } from '../jobs/task.ts';
import { readMappings } from '../state/name-mapping.ts';
import { Problem } from '../problems.ts';
import { settleAll } from '../settle-all.ts';
import { compareEntity } from './full-comparison.ts';

/**
 * The kind of the comparison job. It is also the job’s `onlyOne` key, so that only one comparison
 * runs at a time.
 */
export const COMPARISON = 'comparison';

/**
 * Returns the latest comparison (`newest`), and the latest comparison that was completed (`whole`).
 */
export async function latestComparisons(on: Queryable) {
  const runs = await jobs.newest(on, COMPARISON);
  return { newest: runs[0], whole: runs.find(({ state }) => state === 'done') };
}

/** Requests the comparison job. `isFull`: whether every row is read, even where both servers compute equal digests. */
export const requestComparison = (here: Environment, person: string, { isFull = false } = {}) =>
  jobs.request(here.sql, {
    kind: COMPARISON,
    name: 'Comparison of everything with the destination',
    person,
    input: { isFull },
    onlyOne: COMPARISON,
  });

/** Compares all rows of both sides, as a job. */
export async function compareAll(
  { here, report }: Work,
  { isFull }: { isFull: boolean },
): Promise<{ rows: number }> {
  const there = here.destination;
  if (!there) throw new Problem(422, `Nothing is transferred out of ${rulesOf(here.name).inText}.`);
  // The rows are counted while the comparison is running, and only if it takes longer, because only the progress reports
  // need their number.
  let counting: Promise<number> | undefined;
  const sides = { here, there, mappings: await readMappings(here.sql), isFull };
  let rows = 0;
  let nextReport = Date.now() + UNCOUNTED_MS;
  for (const entity of travelling) {
    for await (const seen of compareEntity(sides, entity)) {
      rows += seen;
      if (Date.now() > nextReport) {
        nextReport = Date.now() + REPORT_EVERY_MS;
        counting ??= countBoth(here, there);
        await report({ done: rows, total: await counting, doing: entity.label.many });
      }
    }
  }
  await report({ done: rows, total: (await counting) ?? rows, doing: '' });
  return { rows };
}

/** Milliseconds between progress reports. */
const REPORT_EVERY_MS = 250;
/** Milliseconds until the first progress report. */
const UNCOUNTED_MS = 1000;

const countBoth = async (here: Databases, there: Databases): Promise<number> => {
  const [mine, theirs] = await settleAll([rowsOf(here), rowsOf(there)]);
  return mine + theirs;
};

async function rowsOf(place: Databases): Promise<number> {
  let rows = 0;
  for (const entity of travelling) rows += await countRows(place, entity);
  return rows;
}
