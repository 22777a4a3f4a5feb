import { willPass } from '../database/transient-errors.ts';
import { Unavailable } from '../problems.ts';

/** Whether an error may disappear by the next attempt. */
export const isPassing = (error: unknown) => error instanceof Unavailable || willPass(error);
