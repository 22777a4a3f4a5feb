// Starts processes in Node as bin/serve and bin/work do.
import { fork } from 'node:child_process';

export const RUN_NODE = 'bin/run-node';

export const forkAsInProduct = (program: string, words: string[], env = process.env) =>
  fork(program, words, { env, execPath: RUN_NODE, execArgv: [] });
