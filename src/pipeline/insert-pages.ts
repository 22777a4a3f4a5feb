// The second half of a pipeline run: inserts the rows of each stored page into a table of the datasets database exactly
// once.
import { z } from 'zod';
import { failpoint } from '../database/failpoints.ts';
import { sql } from '../database/sql.ts';
import { NotFound, Problem } from '../problems.ts';
import type { Carrier } from './carrier.ts';
import type { MeasuredColumn } from './measures.ts';
import * as runs from './runs.ts';
import { structureOf, type Run } from './runs.ts';
import * as storedPages from './stored-pages.ts';
import * as target from './target.ts';

/**
 * Inserts the stored pages that are not inserted yet. One transaction in the datasets database inserts the rows of a
 * page and records the page in the table `_pages`. A second transaction counts the page in this environment’s own
 * database. If the process dies between the two, the next attempt finds the page in `_pages` and does not insert it
 * again.
 */
export async function insertPages(carrier: Carrier, begun: Run): Promise<Run> {
  const { here } = carrier;
  let run = begun;
  if (run.state !== 'inserting') return run;
  await carrier.report(run, 'Inserting pages');
  const columns = structureOf(run) ?? [];
  run = await prepareTable(carrier, run, columns);
  await failpoint('table created');
  while (run.state === 'inserting' && run.pages_inserted < run.pages_fetched) {
    await carrier.report(run, 'Inserting pages');
    const page = run.pages_inserted + 1;
    const rows = await readStored(carrier, run, page, columns);
    await target.insertPage(carrier.target, run, { page, rows, columns });
    await failpoint('page inserted');
    await runs.advance(
      here.sql,
      run,
      sql`state = 'inserting' and pages_inserted = ${run.pages_inserted}`,
      sql`pages_inserted = ${page}, rows_inserted = rows_inserted + ${rows.length}`,
    );
    await failpoint('insertion counted');
    run = await runs.known(here.sql, run.number);
  }
  await runs.advance(
    here.sql,
    run,
    sql`state = 'inserting' and pages_inserted = pages_fetched`,
    sql`state = 'swapping'`,
  );
  return runs.known(here.sql, run.number);
}

/**
 * Creates the table that the run fills, if it is missing. If another program has dropped the table since an earlier
 * attempt created it, all pages are inserted again from the first.
 */
async function prepareTable({ here, target: on }: Carrier, run: Run, columns: MeasuredColumn[]) {
  const own = target.markOf(here.name, run);
  await target.preparePages(on);
  const current = await target.markAt(on, target.tablesOf(run).dataset);
  if (target.isOwn(current, own) && current?.run === run.number) return run;
  const isNew = await target.createTable(on, own, run, columns);
  if (isNew && run.pages_inserted > 0) {
    await runs.advance(
      here.sql,
      run,
      sql`state = 'inserting'`,
      sql`pages_inserted = 0, rows_inserted = 0`,
    );
  }
  return runs.known(here.sql, run.number);
}

/**
 * Reads a page of rows that the run has fetched and stored.
 * @throws Problem when the page is missing or damaged. A person can then resume the run, which fetches all pages again.
 */
async function readStored(
  { here, storage }: Carrier,
  run: Run,
  page: number,
  columns: MeasuredColumn[],
) {
  try {
    return storedPages.parsePage(await storedPages.load(storage, run, page), columns).rows;
  } catch (error) {
    const isDamaged =
      error instanceof NotFound || error instanceof SyntaxError || error instanceof z.ZodError;
    if (!isDamaged) throw error;
    const gone = sql`pages_removed_at = utc_timestamp(3)`;
    await runs.advance(here.sql, run, sql`state = 'inserting'`, gone);
    throw new Problem(
      500,
      `Page ${page} is missing from the pipeline’s storage, or damaged. Resume the run: it fetches all pages again.`,
    );
  }
}
