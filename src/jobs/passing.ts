import { willPass } from '../database/transient-errors.ts';
import { Unavailable } from '../problems.ts';

/**
 * Whether the cause of an error may be gone by the next attempt, such as a server that does not
 * answer.
 */
export const isPassing = (error: unknown) => error instanceof Unavailable || willPass(error);
