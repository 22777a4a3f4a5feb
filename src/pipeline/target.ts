// Creates and fills tables of the datasets database. The SQL comment of each table says which dataset owns the table
// (its mark). The pipeline replaces and drops a table only if the mark names the same dataset.
import type { Pool, PoolConnection } from 'mysql2/promise';
import { z } from 'zod';
import { insertLines } from '../database/bulk.ts';
import {
  join,
  name as quoted,
  run as change,
  select,
  sql,
  transaction,
  Statement,
  type Queryable,
} from '../database/sql.ts';
import { Problem } from '../problems.ts';
import { columnTypes, sqlValue, type SqlType } from './column-types.ts';
import type { Cell, MeasuredColumn } from './measures.ts';
import type { Run } from './runs.ts';

/** MySQL’s maximum length of a table’s or column’s name, in characters. */
const LONGEST_NAME = 64;

/**
 * The names of a run’s tables: the dataset’s table, the table that the run fills, and the former
 * table that it replaces.
 */
export function tablesOf({
  organisation,
  name,
  number,
}: Pick<Run, 'organisation' | 'name' | 'number'>) {
  const dataset = `${organisation}_${name}`;
  const behind = (end: string) => `${dataset.slice(0, LONGEST_NAME - end.length)}${end}`;
  return { dataset, filled: behind(`__${number}`), former: behind(`__${number}_former`) };
}

const markSchema = z.object({
  environment: z.string(),
  dataset: z.string(),
  version: z.number(),
  run: z.number(),
});
/**
 * The mark of a table (its SQL comment, as JSON): the environment and dataset that own the table, and the version and
 * run that filled it.
 */
export type Mark = z.infer<typeof markSchema>;

export const markOf = (environment: string, run: Run): Mark => ({
  environment,
  dataset: `${run.organisation}/${run.name}`,
  version: run.version,
  run: run.number,
});

/**
 * Reads the mark of a table from its SQL comment; undefined when the table does not exist, null when the pipeline did
 * not create it.
 */
export async function markAt(on: Queryable, table: string): Promise<Mark | null | undefined> {
  const [found] = await select<{ comment: string }>(
    on,
    sql`select table_comment as comment from information_schema.tables
         where table_schema = database() and table_name = ${table}`,
  );
  if (!found) return undefined;
  const [, json] = /^Oneway (\{.*\})$/.exec(found.comment) ?? [];
  return json === undefined ? null : (markSchema.safeParse(JSON.parse(json)).data ?? null);
}

export const isOwn = (mark: Mark | null | undefined, own: Mark): boolean =>
  mark?.environment === own.environment && mark.dataset === own.dataset;

export const taken = (table: string) =>
  new Problem(
    409,
    `The datasets database has a table ${table} that is not of this dataset. Nothing was changed there: rename that table, or the dataset.`,
  );

/** Creates the table `_pages`, if it is missing. It records which pages of rows were inserted into each table. */
export const preparePages = (on: Queryable) =>
  change(
    on,
    sql`create table if not exists _pages (
          table_name varchar(64) not null, page int unsigned not null, row_count int unsigned not null,
          primary key (table_name, page)) engine = InnoDB`,
  );

/**
 * Creates the new table that a run fills with the rows of the dataset; returns false if an earlier attempt has created
 * it.
 */
export async function createTable(target: Pool, own: Mark, run: Run, columns: MeasuredColumn[]) {
  const { filled } = tablesOf(run);
  const mark = await markAt(target, filled);
  if (mark !== undefined) {
    if (!isOwn(mark, own)) throw taken(filled);
    return false;
  }
  const names = await columnNames(target, columns);
  const types = columnTypes(columns);
  const lines = names.map((one, index) => {
    const definition = new Statement(types[index]?.definition ?? 'TEXT', []);
    return sql`${quoted(one)} ${definition} null`;
  });
  await change(target, sql`delete from _pages where table_name = ${filled}`);
  await change(
    target,
    sql`create table ${quoted(filled)} (${join(lines, ', ')})
        engine = InnoDB row_format = dynamic default charset utf8mb4 collate utf8mb4_bin
        comment = ${`Oneway ${JSON.stringify(own)}`}`,
  );
  return true;
}

/**
 * Chooses column names for the datasets database: at most 64 characters, and all different for
 * MySQL, which ignores case and accents.
 */
async function columnNames(on: Queryable, columns: { name: string }[]): Promise<string[]> {
  const wanted = columns.map(({ name }) => allowed(name, LONGEST_NAME));
  const keys: string[] = [];
  for (const name of wanted) keys.push(await collationKey(on, name));
  const taken = new Set(keys);
  const names: string[] = [];
  for (const [index, one] of wanted.entries()) {
    const isFirst = keys.indexOf(keys[index] ?? '') === index;
    let name = one;
    for (let number = 2, key = ''; !isFirst && key === ''; number += 1) {
      const end = `_${number}`;
      name = `${allowed(one, LONGEST_NAME - end.length)}${end}`;
      key = await collationKey(on, name);
      if (taken.has(key)) key = '';
      else taken.add(key);
    }
    names.push(name);
  }
  return names;
}

/**
 * Shortens a column’s name, and removes what MySQL does not allow in it: characters above U+FFFF,
 * NUL, and blanks at the end.
 */
const allowed = (name: string, most: number) =>
  name
    .replaceAll(/[\0\u{10000}-\u{10ffff}]/gu, '_')
    .slice(0, most)
    .trimEnd() || '_';

async function collationKey(on: Queryable, name: string): Promise<string> {
  const [found] = await select<{ weight: string }>(
    on,
    sql`select hex(weight_string(convert(${name} using utf8mb3) collate utf8mb3_general_ci)) as weight`,
  );
  return found?.weight ?? name;
}

/**
 * Inserts the rows of a page into the table of a run and records the page in `_pages`, in one transaction. Returns
 * false when an earlier attempt has inserted the page.
 */
export const insertPage = (
  target: Pool,
  run: Run,
  { page, rows, columns }: { page: number; rows: Cell[][]; columns: MeasuredColumn[] },
): Promise<boolean> =>
  transaction(target, async (on) => {
    const { filled } = tablesOf(run);
    const isNew = await change(
      on,
      sql`insert ignore into _pages (table_name, page, row_count) values (${filled}, ${page}, ${rows.length})`,
    );
    if (isNew === 0) return false;
    const types = columnTypes(columns);
    const head = sql`insert into ${quoted(filled)} values`;
    await insertLines(on, head, lines(rows, types));
    return true;
  });

function* lines(rows: Cell[][], types: SqlType[]) {
  for (const row of rows) {
    yield types.map((type, index) => sqlValue(row[index] ?? null, type));
  }
}

/** Counts the rows in a table of the datasets database. */
export async function countRows(on: Queryable, table: string): Promise<number> {
  const [found] = await select<{ count: number }>(
    on,
    sql`select count(*) as count from ${quoted(table)}`,
  );
  return found?.count ?? 0;
}

/**
 * Drops a table if its mark (SQL comment) names this dataset. Also deletes the records in `_pages` of the pages that
 * were inserted into the table.
 */
export async function dropOwn(on: Pool | PoolConnection, own: Mark, table: string) {
  const mark = await markAt(on, table);
  if (isOwn(mark, own)) await change(on, sql`drop table if exists ${quoted(table)}`);
  await change(on, sql`delete from _pages where table_name = ${table}`);
}
