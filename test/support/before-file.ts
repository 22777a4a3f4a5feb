// Runs before each test file. The files of a worker share the modules of src, so that what a former file changed is
// undone here.
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
