// Finds the reason code of a refused write: either Oneway found a problem before it asked the databases, or a database
// answered with an error.
import { isFromAnother } from '../database/sql.ts';
import { isFromMongo, unwillingness } from '../database/unwillingness.ts';
import { reasonOf } from '../environments/unreachable.ts';
import { UnknownName } from '../rows/links.ts';
import { RowClaimed } from './claims.ts';
import * as journal from './journal.ts';
import { ChangedMeanwhile, OutcomePending, type Work } from './work.ts';

/**
 * Whether Oneway itself refused the write: a row is claimed or has changed, or a linked name is
 * missing.
 */
export const isRefusal = (error: unknown): error is ChangedMeanwhile | RowClaimed | UnknownName =>
  error instanceof ChangedMeanwhile || error instanceof RowClaimed || error instanceof UnknownName;

/**
 * Returns the problem to show if Oneway or a database of the destination refused the write; null
 * for every other error.
 */
export function refusalOf(
  error: unknown,
  { there, steps }: Pick<Work, 'there' | 'steps'>,
): journal.TransferProblem | null {
  if (isRefusal(error)) return foundByUs(error);
  const isOurs = error instanceof journal.FencedOff || error instanceof OutcomePending;
  const kind = unwillingness(error);
  if (isOurs || (kind !== null && isFromAnother(error, there.sql))) return null;
  const answer = answerOf(error);
  if (answer === null) return null;
  const [only, ...others] = steps;
  const row = only && others.length === 0 ? { entity: only.entity, id: only.id } : null;
  return { reason: kind ?? answer, row, message: reasonOf(error, there.rules.label) };
}

/** Returns the reason code of a database error; null for an error that no database sent. */
function answerOf(error: unknown): journal.TransferReason | null {
  const { code, errno, sqlMessage } = error as Answered;
  if (sqlMessage !== undefined) return reasonsOfSql.get(Number(errno)) ?? 'refused-there';
  return isFromMongo(error) ? (reasonsOfMongo.get(Number(code)) ?? 'refused-there') : null;
}

function foundByUs(error: ChangedMeanwhile | RowClaimed | UnknownName): journal.TransferProblem {
  if (error instanceof ChangedMeanwhile) return error.problem;
  const { message } = error;
  if (error instanceof UnknownName) return { reason: error.reason, row: null, message };
  const { entity, row_id: id } = error.claim;
  return { reason: 'being-written', row: { entity, id }, message };
}

type Answered = { code?: unknown; errno?: unknown; sqlMessage?: string };

/** Reason codes by error number, because the names of errors above 3000 differ between MySQL and MariaDB. */
const reasonsOfSql = new Map<number, journal.TransferReason>([
  [1048, 'value-missing'],
  [1054, 'column-missing'],
  [1062, 'unique-taken'],
  [1118, 'value-too-long'],
  [1146, 'column-missing'],
  [1153, 'value-too-long'],
  [1216, 'parent-missing'],
  [1217, 'still-used'],
  [1264, 'value-unfit'],
  [1265, 'value-unfit'],
  [1292, 'value-unfit'],
  [1364, 'value-missing'],
  [1366, 'value-unfit'],
  [1406, 'value-too-long'],
  [1451, 'still-used'],
  [1452, 'parent-missing'],
  [1644, 'rule-there'],
  [3140, 'value-unfit'],
  [3819, 'rule-there'],
  [4025, 'rule-there'],
]);

const reasonsOfMongo = new Map<number, journal.TransferReason>([
  [121, 'rule-there'],
  [10_334, 'value-too-long'],
  [11_000, 'unique-taken'],
  [11_001, 'unique-taken'],
  [17_419, 'value-too-long'],
  [17_420, 'value-too-long'],
]);
