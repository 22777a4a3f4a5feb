// SQL written beside the code that needs it: values become placeholders, identifiers come from entity definitions.
import { channel } from 'node:diagnostics_channel';
import { timeouts } from './timeouts.ts';
import { timed } from './traces.ts';
import type { Pool, PoolConnection, ResultSetHeader, RowDataPacket } from 'mysql2/promise';

export type Queryable = Pool | PoolConnection;

/** An SQL statement with its values. It is a class, so that no posted JSON can pass for a statement. */
export class Statement {
  readonly text: string;
  readonly values: unknown[];

  constructor(text: string, values: unknown[]) {
    this.text = text;
    this.values = values;
  }
}

/** Every executed statement is published here; tests count them. */
export const statements = channel('oneway:statement');

/** Builds a statement: `` sql`select * from task where id in (${ids})` ``; nested statements are inlined. */
export function sql(parts: TemplateStringsArray, ...given: unknown[]): Statement {
  const values: unknown[] = [];
  const text = parts.reduce((before, part, index) => {
    const value = given[index - 1];
    if (value instanceof Statement) {
      values.push(...value.values);
      return before + value.text + part;
    }
    refuse(value);
    // `in ()` is a syntax error, while `in (null)` matches nothing.
    values.push(Array.isArray(value) && value.length === 0 ? null : value);
    return `${before}?${part}`;
  });
  return new Statement(text, values);
}

/**
 * Refuses values that the driver would not insert as values: objects would become conditions, and NaN a column name.
 */
function refuse(value: unknown) {
  if (Array.isArray(value)) value.forEach(refuse);
  else if (typeof value === 'object' && value !== null && !Buffer.isBuffer(value)) {
    throw new TypeError('An object is no value for SQL');
  } else if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new TypeError(`${value} is no value for SQL`);
  }
}

/** Quotes the name of a table or column from an entity definition. */
export const name = (identifier: string): Statement =>
  new Statement(`\`${identifier.replaceAll('`', '``')}\``, []);

export const join = (items: Statement[], separator: string): Statement =>
  new Statement(
    items.map((item) => item.text).join(separator),
    items.flatMap((item) => item.values),
  );

export async function select<T extends object>(on: Queryable, statement: Statement): Promise<T[]> {
  return (await ask(on, statement)) as (T & RowDataPacket)[];
}

export async function first<T extends object>(
  on: Queryable,
  statement: Statement,
): Promise<T | undefined> {
  return (await select<T>(on, statement))[0];
}

/** Runs an INSERT, UPDATE or DELETE; returns how many rows it matched. */
export async function run(on: Queryable, statement: Statement): Promise<number> {
  return ((await ask(on, statement)) as ResultSetHeader).affectedRows;
}

/** Runs a statement that sets LAST_INSERT_ID(); returns that id, or 0. */
export async function runForId(on: Queryable, statement: Statement): Promise<number> {
  return ((await ask(on, statement)) as ResultSetHeader).insertId;
}

/** Runs a statement without values, such as `START TRANSACTION` or `COMMIT`. */
export const command = async (connection: PoolConnection, text: string): Promise<void> => {
  await timed(text, connection, () => withTimeout(connection, connection.query(text)));
};

/** Runs `text`, which already contains its values; `statement` is published in its place, for logs without values. */
export const runText = (on: Queryable, statement: Statement, text: string) =>
  // With `null` as values the driver does not search the text for placeholders.
  ask(on, statement, { sql: text, values: null });

async function ask(
  on: Queryable,
  statement: Statement,
  question: { sql: string; values: unknown[] | null } = {
    sql: statement.text,
    values: statement.values,
  },
): Promise<unknown> {
  statements.publish(statement);
  if (!('getConnection' in on)) return answerOf(on, statement, question);
  const connection = await on.getConnection().catch((error: unknown) => {
    throw fromServer(error, on);
  });
  try {
    return await answerOf(connection, statement, question);
  } finally {
    // A destroyed connection does not go back to the pool when it is released.
    connection.release();
  }
}

async function answerOf(
  on: PoolConnection,
  { text }: Statement,
  question: { sql: string; values: unknown[] | null },
): Promise<unknown> {
  try {
    const [answer] = await timed(text, on, () => withTimeout(on, on.query(question)));
    return answer;
  } catch (error) {
    throw fromServer(error, on);
  }
}

const servers = new WeakMap<object, string>();

/** Remembers from which server an error came, because a page may read two. */
function fromServer(error: unknown, on: Queryable): unknown {
  if (typeof error === 'object' && error !== null) servers.set(error, serverOf(on));
  return error;
}

/** Whether an error came from another MySQL server than this one; false for errors that are not from MySQL. */
export function isFromAnother(error: unknown, on: Queryable): boolean {
  const from = typeof error === 'object' && error !== null ? servers.get(error) : undefined;
  return from !== undefined && from !== serverOf(on);
}

type Address = { host?: string; port?: number; database?: string };

function serverOf(on: Queryable): string {
  // The types of the driver describe the options of a pool, not the parsed configuration that it has.
  const { connectionConfig } = ('getConnection' in on ? on.pool : on).config as {
    connectionConfig?: Address;
  };
  const { host, port, database } = connectionConfig ?? (on as PoolConnection).config;
  return `${host}:${port}/${database}`;
}

/** The error when the server did not answer in time; it may or may not have run the statement. */
class StatementTimeout extends Error {
  readonly code = 'STATEMENT_TIMEOUT';
}

/**
 * Fails when a server does not answer in time: one that stops answering without closing its connections must not
 * block a worker forever. The driver’s own timeout begins only when a statement reaches the front of its queue, so it
 * misses a server that fell silent earlier. The connection is closed, because nothing may wait behind the unanswered
 * statement.
 */
async function withTimeout<T>(connection: PoolConnection, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      connection.destroy();
      reject(new StatementTimeout('The server was silent for too long'));
    }, timeouts.statement);
  });
  try {
    return await Promise.race([answer, silence]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Runs `work` in a transaction. After any error the connection is closed: a lock timeout rolls back only its own
 * statement, and a later COMMIT would commit the rest.
 */
export async function transaction<T>(
  pool: Pool,
  work: (connection: PoolConnection) => Promise<T>,
  begin = ['START TRANSACTION'],
): Promise<T> {
  const connection = await pool.getConnection();
  try {
    for (const statement of begin) await command(connection, statement);
    const result = await work(connection);
    await command(connection, 'COMMIT');
    connection.release();
    return result;
  } catch (error) {
    connection.destroy();
    throw error;
  }
}

/** Runs `work` in a read-only snapshot, so that everything it reads is from the same point in time. */
export function snapshot<T>(pool: Pool, work: (connection: PoolConnection) => Promise<T>) {
  return transaction(pool, work, [
    'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ',
    'START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY',
  ]);
}

/** Convert a timestamp between MySQL’s format (`2026-11-21 09:30:00.123`) and ISO 8601 in UTC. */
export const toSqlInstant = (iso: string) => iso.replace('T', ' ').replace('Z', '');
export const fromSqlInstant = (stored: string) =>
  `${stored.replace(' ', 'T')}${stored.includes('.') ? '' : '.000'}Z`;
