// Runs the command `oneway` as a person does: in a real process, with its own home directory.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { surroundings } from './left-behind.ts';
import type { World } from './world.ts';

export type Said = { status: number | null; stdout: string; stderr: string };

/** Returns a function that runs one `oneway` command in another process and blocks this process until it has ended. */
export function openTerminal({ variables }: World) {
  const home = mkdtempSync(join(tmpdir(), 'oneway-home-'));
  return (
    name: 'staging' | 'preprod' | 'production',
    words: string[],
    { input = '', also = {} }: { input?: string; also?: Record<string, string> } = {},
  ): Said => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['src/commands/oneway.ts', ...words],
      {
        env: { ...surroundings(), XDG_CONFIG_HOME: home, ...variables[name], ...also },
        encoding: 'utf8',
        input,
      },
    );
    return { status, stdout, stderr };
  };
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
