// Plain SQL beside the question it asks: values become placeholders, identifiers come from definitions.
import { channel } from 'node:diagnostics_channel';
import type { Pool, PoolConnection, ResultSetHeader, RowDataPacket } from 'mysql2/promise';

export type Queryable = Pool | PoolConnection;
export type Statement = { text: string; values: unknown[] };

/** Every statement is published here, so that a test can count them. */
export const statements = channel('oneway:statement');

/** `` sql`select * from task where id in (${ids})` ``; a nested statement is taken in whole. */
export function sql(parts: TemplateStringsArray, ...given: unknown[]): Statement {
  const values: unknown[] = [];
  const text = parts.reduce((before, part, index) => {
    const value = given[index - 1];
    if (isStatement(value)) {
      values.push(...value.values);
      return before + value.text + part;
    }
    // An empty list would be a syntax error; NULL is a list that nothing is in.
    values.push(Array.isArray(value) && value.length === 0 ? null : value);
    return `${before}?${part}`;
  });
  return { text, values };
}

const isStatement = (value: unknown): value is Statement =>
  typeof value === 'object' && value !== null && 'text' in value && 'values' in value;

/** A table or column name out of a definition. */
export const name = (identifier: string): Statement => ({
  text: `\`${identifier.replaceAll('`', '``')}\``,
  values: [],
});

export const join = (items: Statement[], separator: string): Statement => ({
  text: items.map((item) => item.text).join(separator),
  values: items.flatMap((item) => item.values),
});

export async function select<T extends object>(on: Queryable, statement: Statement): Promise<T[]> {
  statements.publish(statement);
  const [rows] = await on.query<(T & RowDataPacket)[]>(statement.text, statement.values);
  return rows;
}

export async function first<T extends object>(
  on: Queryable,
  statement: Statement,
): Promise<T | undefined> {
  return (await select<T>(on, statement))[0];
}

/** Runs a statement that changes something; answers how many rows it found. */
export async function run(on: Queryable, statement: Statement): Promise<number> {
  statements.publish(statement);
  const [result] = await on.query<ResultSetHeader>(statement.text, statement.values);
  return result.affectedRows;
}

/**
 * Works inside one transaction. After any error the connection is destroyed, because a lock-wait timeout
 * rolls back only the statement and a later COMMIT would commit the rest.
 */
export async function transaction<T>(
  pool: Pool,
  work: (connection: PoolConnection) => Promise<T>,
  begin = ['START TRANSACTION'],
): Promise<T> {
  const connection = await pool.getConnection();
  try {
    for (const statement of begin) await connection.query(statement);
    const result = await work(connection);
    await connection.query('COMMIT');
    connection.release();
    return result;
  } catch (error) {
    connection.destroy();
    throw error;
  }
}

/** Everything that `work` reads is of one moment. */
export function snapshot<T>(pool: Pool, work: (connection: PoolConnection) => Promise<T>) {
  return transaction(pool, work, [
    'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ',
    'START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY',
  ]);
}

/** An instant as MySQL writes it (`2026-11-21 09:30:00.123`), from and to ISO 8601 in UTC. */
export const toSqlInstant = (iso: string) => iso.replace('T', ' ').replace('Z', '');
export const fromSqlInstant = (stored: string) =>
  `${stored.replace(' ', 'T')}${stored.includes('.') ? '' : '.000'}Z`;
