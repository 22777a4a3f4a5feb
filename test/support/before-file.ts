// Vitest runs this file before each test file. Test files that run in one worker share the loaded modules of src. So
// this file resets the timeouts and failpoints (steps at which a test interrupts a write) that an earlier test has
// changed, and ends the processes that a test file has started.
import { afterAll, afterEach } from 'vitest';
import { timeouts } from '../../src/database/timeouts.ts';
import { endCommands } from './command.ts';
import { dismiss } from './killing.ts';
import { passFailpoints } from './once-at.ts';
import { usualTimeouts } from './usual-timeouts.ts';

Object.assign(timeouts, usualTimeouts);
afterEach(passFailpoints);
afterAll(dismiss);
afterAll(endCommands);
