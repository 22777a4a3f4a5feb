// Runs the command `oneway` as a person does, with its own home directory.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Call } from './command-process.ts';
import { surroundings } from './left-behind.ts';
import type { World } from './world.ts';

export type Said = { status: number | null; stdout: string; stderr: string };

type Options = { input?: string; also?: Record<string, string> };

/**
 * Returns a function that runs one `oneway` command and blocks this process until the command has ended. All commands
 * of a test file run in one process. Tests that examine the process itself start a process of their own.
 */
export function openTerminal({ variables }: World) {
  const home = mkdtempSync(join(tmpdir(), 'oneway-home-'));
  return (
    name: 'staging' | 'preprod' | 'production',
    words: string[],
    { input = '', also = {} }: Options = {},
  ): Said => {
    const environment = { ...surroundings(), XDG_CONFIG_HOME: home, ...variables[name], ...also };
    running ??= start();
    return running.run({ words, input, variables: environment });
  };
}

type Running = { run(call: Call): Said; end(): void };
let running: Running | null = null;

/** Ends the process in which the commands of a file ran. */
export function endCommands() {
  running?.end();
  running = null;
}

/** Starts the process. Calls and answers go through named pipes, because a blocked process can read and write these. */
function start(): Running {
  const folder = mkdtempSync(join(tmpdir(), 'oneway-commands-'));
  const [calls, answers] = [join(folder, 'calls'), join(folder, 'answers')];
  spawnSync('mkfifo', [calls, answers]);
  const from = openSync(answers, constants.O_RDONLY | constants.O_NONBLOCK);
  const to = openSync(calls, 'r+');
  const child = spawn(process.execPath, ['test/support/command-process.ts', calls, answers], {
    env: surroundings(),
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  child.unref();
  return {
    run: (call) => {
      writeSync(to, `${JSON.stringify(call)}\n`);
      return JSON.parse(readLine(from, call.words)) as Said;
    },
    end: () => {
      child.kill('SIGKILL');
      closeSync(from);
      closeSync(to);
      rmSync(folder, { recursive: true });
    },
  };
}

/** How long a command may take, in milliseconds. */
const LONGEST = 120_000;

/** Reads one line from a pipe, and blocks this process meanwhile. */
function readLine(pipe: number, words: string[]): string {
  const part = Buffer.alloc(65_536);
  const parts: Buffer[] = [];
  let isOpen = false;
  for (const until = Date.now() + LONGEST; Date.now() < until;) {
    const length = readSome(pipe, part);
    if (length === 0 && isOpen) throw new Error(`oneway ${words.join(' ')} ended its process`);
    isOpen ||= length !== 0;
    if (length > 0) {
      parts.push(Buffer.from(part.subarray(0, length)));
      if (part[length - 1] === LINE_END) return Buffer.concat(parts).toString('utf8');
    } else {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
    }
  }
  throw new Error(`oneway ${words.join(' ')} did not end`);
}

const LINE_END = 10;
const NOTHING_YET = -1;

/**
 * Reads what the pipe contains now, and returns the number of bytes: 0 while no process has opened the pipe for
 * writing.
 */
function readSome(pipe: number, into: Buffer): number {
  try {
    return readSync(pipe, into);
  } catch (error) {
    if ((error as { code?: string }).code === 'EAGAIN') return NOTHING_YET;
    throw error;
  }
}

export const json = <T>({ stdout }: Said): T => JSON.parse(stdout) as T;

/** Runs one `oneway` command in another process without blocking, so that a server in this process can answer it. */
export async function runCommand({ variables }: World, words: string[]): Promise<Said> {
  const home = mkdtempSync(join(tmpdir(), 'oneway-home-'));
  const env = { ...surroundings(), XDG_CONFIG_HOME: home, ...variables.staging };
  const child = spawn(process.execPath, ['src/commands/oneway.ts', ...words], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr] = [text(child.stdout), text(child.stderr)];
  const [status] = (await once(child, 'exit')) as [number | null];
  return { status, stdout: await stdout, stderr: await stderr };
}
