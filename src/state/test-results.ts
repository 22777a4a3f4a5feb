// Test results (*Works* or *Does not work*) that people record for a row with its dependent rows. A result counts only
// for the content that was tested.
import { createHash } from 'node:crypto';
import { hashOf } from '../catalog/content.ts';
import { keyFrom, keyText, type RowKey } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { forgetCached } from '../database/cached-for.ts';
import { join, run, select, sql, type Queryable } from '../database/sql.ts';
import type { Databases, Environment } from '../environments/environment.ts';
import { whereRows } from './row-state.ts';
import { rootOf } from '../catalog/family.ts';
import { withTheirDependents } from '../rows/dependents.ts';

export type TestResult = {
  id: number;
  entity: string;
  row_id: number;
  hash: string;
  works: number;
  note: string | null;
  person: string;
  at: string;
};

/** The test results of a row, for its present content and for earlier content. */
export type TestStatus = {
  hash: string;
  /** The latest result of each person for the present content, newest first. */
  current: TestResult[];
  /** The newest result for earlier content, if the present content has none. */
  former: TestResult | null;
};

/**
 * Computes one hash over the contents of each row and its dependent rows, by key text (`task:12`). A test result stores
 * this hash, to tell whether the tested content is still the present one.
 */
export async function hashesWithDependents(
  place: Databases,
  keys: RowKey[],
): Promise<Map<string, string>> {
  const parts = new Map<string, string[]>();
  for (const [text, row] of await withTheirDependents(place, keys)) {
    const entity = entityNamed(keyFrom(text).entity);
    const root = keyText(rootOf(entity, row));
    parts.set(root, [...(parts.get(root) ?? []), `${text} ${hashOf(entity, row)}`]);
  }
  return new Map(
    [...parts].map(([root, lines]) => [
      root,
      createHash('sha256').update(lines.toSorted().join('\n')).digest('hex'),
    ]),
  );
}

/** Finds the test results of rows by reading the rows and their dependents. */
export const testStatusOf = async (place: Databases, keys: RowKey[]) =>
  statusesFrom(await hashesWithDependents(place, keys), await testResultsOf(place.sql, keys));

const statusesFrom = (
  hashes: Map<string, string>,
  results: TestResult[],
): Map<string, TestStatus> => {
  const resultsOf = Map.groupBy(results, ({ entity, row_id: id }) => keyText({ entity, id }));
  return new Map(
    [...hashes].map(([text, hash]) => {
      const own = resultsOf.get(text) ?? [];
      const current = lastOfEach(own.filter((one) => one.hash === hash));
      const former = current.length > 0 ? null : (own[0] ?? null);
      return [text, { hash, current, former }];
    }),
  );
};

const testResultsOf = async (on: Queryable, keys: RowKey[]) =>
  keys.length === 0
    ? []
    : select<TestResult>(
        on,
        sql`select * from test_result
             where (${whereRows(keys)})
             order by id desc`,
      );

function lastOfEach(newestFirst: TestResult[]): TestResult[] {
  const people = new Set<string>();
  return newestFirst.filter(({ person }) => !people.has(person) && people.add(person));
}

/** Whether someone other than this person marked the row *Works*, and no one marked it *Does not work*. */
export const worksForOthers = ({ current }: TestStatus, person: string): boolean =>
  current.every(({ works }) => works === 1) && current.some((one) => one.person !== person);

export type NewTestResult = { works: boolean; note: string | null };

/** A tested row. `seen`: the hash of the tested content, including dependent rows. */
export type TestedRow = { key: RowKey; seen: string };

async function insertResults(
  on: Queryable,
  person: string,
  rows: TestedRow[],
  { works, note }: NewTestResult,
) {
  if (rows.length === 0) return;
  const lines = rows.map(
    ({ key: { entity, id }, seen }) =>
      sql`(${entity}, ${id}, ${seen}, ${works ? 1 : 0}, ${note}, ${person})`,
  );
  await run(
    on,
    sql`insert into test_result (entity, row_id, hash, works, note, person) values ${join(lines, ', ')}`,
  );
  forgetCached();
}

/** How many rows are read at once. */
const PART = 500;

/**
 * Records a test result for the present content of rows. Returns for how many rows, because some may have been deleted.
 */
export async function recordForPresent(
  here: Environment,
  person: string,
  keys: RowKey[],
  result: NewTestResult,
): Promise<number> {
  let recorded = 0;
  for (let from = 0; from < keys.length; from += PART) {
    const part = keys.slice(from, from + PART);
    const hashes = await hashesWithDependents(here, part);
    const rows = part.flatMap((key) => {
      const seen = hashes.get(keyText(key));
      return seen === undefined ? [] : [{ key, seen }];
    });
    await insertResults(here.sql, person, rows, result);
    recorded += rows.length;
  }
  return recorded;
}

/**
 * Records a test result for rows whose content is still what the page showed. Returns their keys (`recorded`), and the
 * keys of rows that were changed or deleted since (`changed`), for which nothing is recorded.
 */
export async function recordTestResults(
  here: Environment,
  person: string,
  rows: TestedRow[],
  { works, note }: NewTestResult,
) {
  const hashes = await hashesWithDependents(
    here,
    rows.map(({ key }) => key),
  );
  const isSame = ({ key, seen }: TestedRow) => hashes.get(keyText(key)) === seen;
  const same = rows.filter(isSame);
  await insertResults(here.sql, person, same, { works, note });
  return {
    recorded: same.map(({ key }) => key),
    changed: rows.filter((row) => !isSame(row)).map(({ key }) => key),
  };
}
