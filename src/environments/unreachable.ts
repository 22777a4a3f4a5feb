// Explains what is wrong when a database server fails, and what a person can do about it.
import { whyMongoRefused, whyMysqlRefused } from '../database/refusals.ts';
import { isFromAnother } from '../database/sql.ts';
import { isFromRedis, unwillingness, type Unwillingness } from '../database/unwillingness.ts';
import { Problem, Unavailable } from '../problems.ts';
import type { Environment } from './environment.ts';

/**
 * Explains a server failure in a sentence, with what to do about it. `checks` names the settings
 * that an engineer should check.
 */
export function explainUnwilling(kind: Unwillingness, server: string, checks: string): string {
  switch (kind) {
    case 'away':
      return `${server} cannot be reached right now. Try again later.`;
    case 'untrusted':
      return `${server} shows no certificate that this program trusts. An engineer names its authority in NODE_EXTRA_CA_CERTS, or corrects the host in ${checks}.`;
    case 'busy':
      return `${server} is held up by someone else's work right now. Try again in a moment.`;
    case 'crowded':
      return `${server} has as many connections open as it allows. Try again in a moment.`;
    case 'read-only':
      return `${server} takes no changes at the moment: it is read-only. Try again later, or ask an engineer when it takes changes again.`;
    case 'password':
      return `${server} refused the user name or password. An engineer checks ${checks} here.`;
    case 'locked':
      return `${server} has locked this program's account. An engineer unlocks it there, or sets a new password in ${checks}.`;
    case 'denied':
      return `${server} does not let this program's account do this. An engineer grants what “oneway db grants” prints.`;
    case 'quota':
      return `${server} lets this program's account do no more for now: its limit is used up. Try again in an hour, or ask an engineer to raise the limit.`;
    case 'full':
      return `${server} has no room left. Try again when an engineer has made room there.`;
  }
}

/**
 * A short description of each server failure, without details, because monitoring and anonymous
 * visitors can read it.
 */
export const briefly: Record<Unwillingness, string> = {
  away: 'does not answer',
  untrusted: 'shows no trusted certificate',
  busy: 'is held up',
  crowded: 'has too many connections',
  'read-only': 'takes no changes',
  password: 'refuses the password',
  locked: 'has locked the account',
  denied: 'denies a right',
  quota: 'has a limit that is used up',
  full: 'has no room left',
};

/** The names of the settings of a neighbouring environment’s servers. */
export const settingsOf = (there: Environment) =>
  there.name === 'copy' ? 'SQL_DB_* and NOSQL_DB_*' : 'UNI_DIR_DESTINATION_* (or REFRESH_SOURCE_*)';

/**
 * Turns an error of a neighbouring environment’s server into a message that says what to do;
 * returns any other error unchanged.
 */
export function unreachable(error: unknown, there: Environment): unknown {
  if (error instanceof Problem || isFromAnother(error, there.sql)) return error;
  const kind = unwillingness(error);
  if (kind === null) return error;
  const words = explainUnwilling(kind, there.rules.label, settingsOf(there));
  return new Unavailable(`${words} Nothing was written.`, { cause: error });
}

/**
 * Turns an error of this environment’s own databases into a message for people; returns null for any other error.
 * `outcome` is the last sentence of the message, such as `Nothing was saved.`
 */
export function unwillingHere(
  error: unknown,
  { rules }: Pick<Environment, 'rules'>,
  outcome = 'Nothing was saved.',
): Problem | null {
  const kind = unwillingness(error);
  if (kind === null) return null;
  const database = isFromRedis(error) ? 'Redis' : 'A database';
  const words =
    kind === 'away'
      ? `${database} of ${rules.inText} does not answer right now. Try again in a moment.`
      : explainUnwilling(kind, `${database} of ${rules.inText}`, 'the settings');
  return new Unavailable(`${words} ${outcome}`, { cause: error });
}

/**
 * Says in a sentence why an action failed. The sentence is stored with the transfer or job, and shown on pages. The
 * database’s own message is only logged. `server` names the server that the error came from, if known.
 */
export function reasonOf(error: unknown, server = 'A server'): string {
  if (error instanceof Problem) return error.message;
  const kind = unwillingness(error);
  if (kind !== null) return explainUnwilling(kind, server, 'the settings');
  const [ofMysql, ofMongo] = [whyMysqlRefused(error), whyMongoRefused(error)];
  if (ofMysql !== null) return `MySQL refused it: ${ofMysql}.`;
  if (ofMongo !== null) return `MongoDB refused it: ${ofMongo}.`;
  return error instanceof Error ? error.message : String(error);
}
