// Builds and runs SQL statements. Values become placeholders. Names of tables and columns come from the definitions of
// the catalogue’s entities (task, form …).
import { channel } from 'node:diagnostics_channel';
import { timeouts } from './timeouts.ts';
import { timed } from './traces.ts';
import type { Pool, PoolConnection, ResultSetHeader, RowDataPacket } from 'mysql2/promise';

export type Queryable = Pool | PoolConnection;

/**
 * An SQL statement with its values. `sql` inlines only instances of this class, so that posted JSON
 * cannot pass as a statement.
 */
export class Statement {
  readonly text: string;
  readonly values: unknown[];

  constructor(text: string, values: unknown[]) {
    this.text = text;
    this.values = values;
  }
}

/** The channel that publishes every executed statement. Tests count these statements. */
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
 * Refuses values that the driver would insert as SQL: the driver turns an object into conditions, and NaN into a column
 * name.
 */
function refuse(value: unknown) {
  if (Array.isArray(value)) value.forEach(refuse);
  else if (typeof value === 'object' && value !== null && !Buffer.isBuffer(value)) {
    throw new TypeError('An object is no value for SQL');
  } else if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new TypeError(`${value} is no value for SQL`);
  }
}

/** Quotes the name of a table or column, which comes from the definition of an entity (task, form …). */
export const name = (identifier: string): Statement =>
  new Statement(`\`${identifier.replaceAll('`', '``')}\``, []);

export const join = (items: Statement[], separator: string): Statement =>
  new Statement(
    items.map((item) => item.text).join(separator),
    items.flatMap((item) => item.values),
  );

/** SQL that returns the lines of all these SELECTs. Each may have an ORDER BY or FOR UPDATE of its own. */
export const unionAll = (selects: Statement[]): Statement =>
  join(
    selects.map((one) => sql`(${one})`),
    ' union all ',
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

/**
 * SQL for a table in a statement that finds rows by their primary key, and locks or changes them. Without the hint the
 * server may go through the index of another column, for example the state. It then locks the row in that index first,
 * and deadlocks with an UPDATE that finds it by its key and changes that column.
 */
export const byPrimaryKey = (table: string): Statement => sql`${name(table)} force index (primary)`;

/** Runs an INSERT, UPDATE or DELETE; returns the number of matched rows. */
export async function run(on: Queryable, statement: Statement): Promise<number> {
  return ((await ask(on, statement)) as ResultSetHeader).affectedRows;
}

/** Runs a statement that may set LAST_INSERT_ID(); returns that id, or 0 when it was not set. */
export async function runForId(on: Queryable, statement: Statement): Promise<number> {
  return ((await ask(on, statement)) as ResultSetHeader).insertId;
}

/** Runs a statement without values, such as `START TRANSACTION` or `COMMIT`. */
export const command = async (connection: PoolConnection, text: string): Promise<void> => {
  await timed(text, connection, () => withTimeout(connection, connection.query(text)));
};

/**
 * Runs `text`, an SQL statement that already contains its values. The log, and the tests that count statements, get
 * `statement` instead, because it contains no row values.
 */
export const runText = (on: Queryable, statement: Statement, text: string) =>
  // When `values` is null, the driver does not search the text for placeholders.
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
    // If the server did not answer in time, the connection is destroyed. `release` does not return a destroyed
    // connection to the pool, so no further check is needed.
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

/**
 * Remembers which server an error came from, because one page may query the servers of two
 * environments.
 */
function fromServer(error: unknown, on: Queryable): unknown {
  if (typeof error === 'object' && error !== null) servers.set(error, serverOf(on));
  return error;
}

/**
 * Whether an error came from another MySQL server than `on`; false for errors that MySQL did not
 * cause.
 */
export function isFromAnother(error: unknown, on: Queryable): boolean {
  const from = typeof error === 'object' && error !== null ? servers.get(error) : undefined;
  return from !== undefined && from !== serverOf(on);
}

type Address = { host?: string; port?: number; database?: string };

/** The address of a database, which a pool shares with all its connections. */
export function databaseOf(on: Queryable): Address {
  // The driver’s type definitions describe the options of a pool, but `config` holds the parsed
  // configuration.
  const { connectionConfig } = ('getConnection' in on ? on.pool : on).config as {
    connectionConfig?: Address;
  };
  return connectionConfig ?? (on as PoolConnection).config;
}

function serverOf(on: Queryable): string {
  const { host, port, database } = databaseOf(on);
  return `${host}:${port}/${database}`;
}

/**
 * The error when the server did not answer in time. The server may have executed the statement
 * anyway.
 */
class StatementTimeout extends Error {
  readonly code = 'STATEMENT_TIMEOUT';
}

/**
 * Fails when the server does not answer in time, because a server that is silent without closing
 * its connections would block a worker forever. The driver’s own timeout starts only when a
 * statement reaches the front of the connection’s queue, so it misses a server that fell silent
 * earlier. The connection is closed, so that no later statement waits behind the unanswered one.
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
 * Runs `work` in a transaction. After any error the connection is closed: a lock timeout rolls back
 * only the statement that failed, so a later COMMIT would commit the other statements.
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

/** Convert timestamps between MySQL’s format (`2026-11-21 09:30:00.123`) and ISO 8601 in UTC. */
export const toSqlInstant = (iso: string) => iso.replace('T', ' ').replace('Z', '');
export const fromSqlInstant = (stored: string) =>
  `${stored.replace(' ', 'T')}${stored.includes('.') ? '' : '.000'}Z`;
