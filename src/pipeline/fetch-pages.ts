// The first half of a pipeline run: fetches the rows of a dataset from the signed API page by page, and stores each
// page.
import { z } from 'zod';
import { failpoint } from '../database/failpoints.ts';
import { sql } from '../database/sql.ts';
import { Problem } from '../problems.ts';
import * as api from './api-client.ts';
import { measured, unmeasured, type MeasuredColumn } from './measures.ts';
import * as runs from './runs.ts';
import { structureOf, type Run } from './runs.ts';
import type { Carrier } from './carrier.ts';
import * as storedPages from './stored-pages.ts';

const structureSchema = z.object({
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  version: z.number(),
  rows: z.number(),
});

/**
 * Fetches and stores the pages of rows that are not stored yet. Each page is stored before the run counts it as
 * fetched. If the process dies between the two, the next attempt fetches the same page again and overwrites the stored
 * one.
 */
export async function fetchPages(carrier: Carrier, begun: Run): Promise<Run> {
  const { here, storage } = carrier;
  let run = begun;
  while (run.state === 'fetching') {
    await carrier.report(run, 'Fetching pages');
    const columns = structureOf(run) ?? (await readStructure(carrier, run));
    const json = await api.read(carrier, run.next ?? firstAddress(carrier, run));
    const page = storedPages.parsePage(json, columns);
    const number = run.pages_fetched + 1;
    await storedPages.store(storage, run, number, json);
    await failpoint('page stored');
    const structure = JSON.stringify(measured(columns, page.rows));
    const expected = sql`state = 'fetching' and pages_fetched = ${run.pages_fetched}`;
    const isLast = page.next === null;
    await runs.advance(
      here.sql,
      run,
      expected,
      sql`next = ${page.next}, pages_fetched = ${number}, structure = ${structure},
          state = ${isLast ? 'inserting' : 'fetching'}`,
    );
    await failpoint('page counted');
    run = await runs.known(here.sql, run.number);
  }
  return run;
}

async function readStructure(carrier: Carrier, run: Run): Promise<MeasuredColumn[]> {
  const { organisation, name, version } = run;
  const path = `/api/v1/table-structure/${organisation}/${name}?version=${version}`;
  const json = await api.read(carrier, api.ownAddress(carrier.here, path));
  const structure = structureSchema.parse(JSON.parse(json));
  if (structure.version !== version || structure.rows !== run.row_count) {
    throw new Problem(
      502,
      `The API has ${structure.rows} rows of version ${structure.version}, and ${run.row_count} of version ${version} were expected.`,
    );
  }
  return structure.columns.map((column) => unmeasured(column.name, column.type));
}

const firstAddress = ({ here }: Carrier, { organisation, name, version }: Run) =>
  api.ownAddress(
    here,
    `/api/v1/table-data/${organisation}/${name}?orientation=tabular&version=${version}`,
  );
