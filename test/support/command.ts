// The command line as a person uses it: a real process with its own home directory.
import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { surroundings } from './left-behind.ts';
import type { World } from './world.ts';

export type Said = { status: number | null; stdout: string; stderr: string };

/** Returns a function that runs one `oneway` command in a process of its own. */
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
