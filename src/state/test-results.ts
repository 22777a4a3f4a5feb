// *Works* / *Does not work*: results of testing a row with its dependents. A result is bound to the tested
// content and says nothing about any other.
import { createHash } from 'node:crypto';
import { hashOf } from '../catalog/content.ts';
import { keyFrom, keyText, type RowKey } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { run, select, sql, type Queryable } from '../database/sql.ts';
import type { Databases, Environment } from '../environments/environment.ts';
import { whereRows } from './row-state.ts';
import { Conflict, NotFound } from '../problems.ts';
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

/** Test results of a row's current content. */
export type TestStatus = {
  hash: string;
  /** The latest result of each person on this content, newest first. */
  current: TestResult[];
  /** The newest result on earlier content, when there is none on this one. */
  former: TestResult | null;
};

/** One hash over each row and its dependents, by key text. */
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

export async function testStatusOf(
  place: Databases,
  keys: RowKey[],
): Promise<Map<string, TestStatus>> {
  const hashes = await hashesWithDependents(place, keys);
  const verdicts = await testResultsOf(place.sql, keys);
  return new Map(
    [...hashes].map(([text, hash]) => {
      const own = verdicts.filter(
        (one) => keyText({ entity: one.entity, id: one.row_id }) === text,
      );
      const current = lastOfEach(own.filter((one) => one.hash === hash));
      const former = current.length > 0 ? null : (own[0] ?? null);
      return [text, { hash, current, former }];
    }),
  );
}

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

/** Whether someone else marked it Works and nobody marked it Does not work. */
export const worksForOthers = ({ current }: TestStatus, person: string): boolean =>
  current.every(({ works }) => works === 1) && current.some((one) => one.person !== person);

export type NewTestResult = { works: boolean; note: string | null; seen: string };

/**
 * Records a test result for the content that the page showed.
 * @throws Conflict when the row has changed since
 */
export async function recordTestResult(
  here: Environment,
  person: string,
  key: RowKey,
  judgement: NewTestResult,
) {
  const hash = (await hashesWithDependents(here, [key])).get(keyText(key));
  if (!hash) throw new NotFound('The row is not here any more.');
  if (hash !== judgement.seen) {
    throw new Conflict('The row was changed since you opened the page. Try it once more.');
  }
  await run(
    here.sql,
    sql`insert into test_result (entity, row_id, hash, works, note, person)
        values (${key.entity}, ${key.id}, ${hash}, ${judgement.works ? 1 : 0}, ${judgement.note}, ${person})`,
  );
}
