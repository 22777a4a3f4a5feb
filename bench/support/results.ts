// Stores the results of a benchmark: the time of every round, and for each performance goal a line of
// docs/measurements.md.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Connection } from 'mysql2/promise';
import { ROUNDS, sized, type Rounds } from './timing.ts';

/**
 * The result for a performance goal. `cold`: Oneway had nothing cached from an earlier run. `warm`: what Oneway had
 * cached in an earlier run was still valid.
 */
export type Goal = { goal: string; measured: string; isMet: boolean; state?: 'cold' | 'warm' };
export type Found = { goals: Goal[]; rounds?: Rounds; counts?: Record<string, unknown> };
export type Result = Found & { bench: string; date: string; machine: Record<string, string> };

const FOLDER = 'bench/results';

export function save(bench: string, machine: Result['machine'], found: Found) {
  mkdirSync(FOLDER, { recursive: true });
  const spread = Object.fromEntries(
    Object.entries(found.rounds ?? {}).map(([what, values]) => [
      what,
      { min: Math.min(...values), max: Math.max(...values) },
    ]),
  );
  const result = { bench, date: new Date().toISOString(), machine, ...found, spread };
  writeFileSync(join(FOLDER, `${bench}.json`), `${JSON.stringify(result, null, 2)}\n`);
}

export const saved = (): Result[] =>
  readdirSync(FOLDER)
    .filter((file) => file.endsWith('.json'))
    .map((file) => JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Result);

export async function machine(ask: Connection): Promise<Result['machine']> {
  const [lines] = await ask.query('select version() as version');
  return {
    cores: String(cpus().length),
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    node: process.version,
    mysql: (lines as { version: string }[])[0]?.version ?? '',
    'pt-table-sync': versionOf('pt-table-sync'),
    rounds: String(ROUNDS),
    scale: String(sized(100_000) / 100_000),
  };
}

/** Returns the version of a program; empty if the program is missing, because not every benchmark needs it. */
const versionOf = (program: string): string =>
  (spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout ?? '').trim();

/** Formats a ratio for people: `2.41`. */
export const times = (ratio: number) =>
  ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(ratio < 0.1 ? 3 : 2);
