// What a person can do about an environment that does not answer.
import { isTransient } from '../database/transient-errors.ts';
import type { Environment } from './environment.ts';
import { Problem, Unavailable } from '../problems.ts';

/**
 * Turns a connection error into a message that says what a person can do; other errors are answered
 * unchanged.
 */
export function unreachable(error: unknown, there: Environment): unknown {
  const { label } = there.rules;
  const { code, codeName } = error as { code?: string | number; codeName?: string };
  if (error instanceof Problem) return error;
  if (code === 'ER_ACCESS_DENIED_ERROR' || code === 18 || codeName === 'AuthenticationFailed') {
    return new Unavailable(
      `${label} refused the user name or password. An engineer checks UNI_DIR_DESTINATION_* here. Nothing was written.`,
    );
  }
  if (isTransient(error)) {
    return new Unavailable(
      `${label} cannot be reached right now. Nothing was written; try again later.`,
    );
  }
  return error;
}
