import { timeouts } from '../../src/database/timeouts.ts';

/** The timeouts of the program, as they are before a test changes them. */
export const usualTimeouts = { ...timeouts };
