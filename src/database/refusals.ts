// Explains in Oneway’s own words why a database refused to write a value. The database’s own message is not shown,
// because it contains values, table names and account names.
import { channel } from 'node:diagnostics_channel';

/**
 * The database’s own error message, which is only logged: no page, no audit log and no record of a transfer contains
 * this message.
 */
export type Refusal = { code: string; quote: string };

export const refusals = channel('oneway:refusal');

const fits = (column: string) => `the value of ${column} does not fit its column there`;

const reasonsOfSql = new Map<number, (column: string) => string>([
  [1048, (column) => `${column} must not be empty there`],
  [1054, () => 'a column is missing there, so that its database has to be updated first'],
  [1062, () => 'a value that must be unique is taken there'],
  [1118, () => 'the row is larger than a row can be there'],
  [1146, () => 'a table is missing there, so that its database has to be updated first'],
  [1153, () => 'it is larger than the server takes at once (max_allowed_packet)'],
  [1264, fits],
  [1265, fits],
  [1292, fits],
  [1364, (column) => `${column} needs a value there`],
  [1366, fits],
  [1406, (column) => `the value of ${column} is too long there`],
  [1451, () => 'another row there refers to it'],
  [1452, () => 'a row that it refers to is missing there'],
  [3140, fits],
  [3819, () => 'a rule of the table there does not allow it'],
  [4025, () => 'a rule of the table there does not allow it'],
]);

const reasonsOfMongo = new Map<number, string>([
  [121, 'a rule of the collection there does not allow it'],
  [10_334, 'the document is larger than a document can be'],
  [11_000, 'a value that must be unique is taken there'],
  [11_001, 'a value that must be unique is taken there'],
  [17_419, 'the document is larger than a document can be'],
  [17_420, 'the document is larger than a document can be'],
]);

type Answered = { code?: unknown; errno?: unknown; sqlMessage?: string; errmsg?: string };

/**
 * Explains why MySQL refused a statement, as the end of a sentence; returns null for an error that
 * MySQL did not send. Logs MySQL’s own message.
 */
export function whyMysqlRefused(error: unknown): string | null {
  const { code, errno, sqlMessage } = error as Answered;
  if (!sqlMessage) return null;
  publish(String(code), sqlMessage);
  // The message of a trigger is written for people to read, so Oneway shows it.
  if (Number(errno) === 1644) return `a trigger there does not allow it: “${sqlMessage}”`;
  const reason = reasonsOfSql.get(Number(errno));
  return reason ? reason(columnIn(sqlMessage)) : `${unnamed} (${Number(errno)})`;
}

/**
 * Explains why MongoDB refused a command, as the end of a sentence; returns null for an error that
 * MongoDB did not send. Logs MongoDB’s own message.
 */
export function whyMongoRefused(error: unknown): string | null {
  const { code, errmsg } = error as Answered;
  const { name, message } = error as { name?: string; message?: string };
  const isAnswer = /^Mongo(Server|BulkWrite|WriteConcern)Error$/.test(String(name));
  if (!isAnswer || typeof code !== 'number') return null;
  publish(String(code), errmsg ?? String(message));
  return reasonsOfMongo.get(code) ?? `${unnamed} (${code})`;
}

const unnamed = 'for a reason that is in the log of this environment';

const publish = (code: string, quote: string) =>
  refusals.publish({ code, quote } satisfies Refusal);

/**
 * Returns the column that an error message names, as part of a sentence. The rest of the message is
 * not shown, because it may contain values.
 */
function columnIn(message: string): string {
  const found = /(?:column|field) (?:'([^']+)'|(?:`[^`]*`\.)*`([^`]+)`)/i.exec(message);
  const column = found?.[1] ?? found?.[2];
  return column === undefined ? 'a field' : `“${column}”`;
}
