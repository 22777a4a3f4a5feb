import { readFileSync } from 'node:fs';

/** The Node flags with which bin/serve and bin/work start. */
export const nodeFlags = readFileSync('bin/node-flags', 'utf8').trim().split(' ');
