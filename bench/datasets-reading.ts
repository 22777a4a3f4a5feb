// Measures the reading of a data file of 1,000,000 rows: the CPU time against csv-parse and Python's csv module, and
// the memory, which must not grow with the file. Each reader runs in a new process.
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { chosenRows } from './support/arguments.ts';
import { writeDataFile } from './support/data-file.ts';
import { atLeast, besides, within } from './support/goals.ts';
import type { Ground } from './support/ground.ts';
import { forkAsInProduct } from './support/as-in-product.ts';
import type { Found, Goal } from './support/results.ts';
import { Clock, ROUNDS } from './support/timing.ts';

const LIMIT = 300;

type Read = { seen: number; milliseconds: number; megabytes: number };

export async function datasetsReading({ folder }: Ground): Promise<Found> {
  const rows = chosenRows(1_000_000);
  const [few, many] = [join(folder, 'few.csv'), join(folder, 'many.csv')];
  await writeDataFile(few, Math.ceil(rows / 3));
  const megabytes = Math.round((await writeDataFile(many, rows)) / 1e6);
  const clock = new Clock();
  const memory: number[] = [(await readBy('rows', few)).megabytes];
  const keep = (what: string, { seen, milliseconds }: Read) => {
    if (seen !== rows) throw new Error(`${what} read ${seen} of ${rows} rows`);
    (clock.rounds[what] ??= []).push(milliseconds);
    console.log(`  ${what}: ${Math.round(milliseconds)} ms`);
  };
  for (let round = 1; round <= ROUNDS; round += 1) {
    for (const way of ['cells', 'types', 'csv-parse']) keep(way, await readBy(way, many));
    keep('python', readByPython(many));
    const both = await readBy('rows', many);
    keep('both passes', both);
    memory.push(both.megabytes);
  }
  for (const file of [few, many]) rmSync(file);
  return {
    rounds: clock.rounds,
    counts: { rows, megabytes, memory },
    goals: goals(clock, `${rows.toLocaleString('en')} rows, ${megabytes} MB`, memory),
  };
}

function goals(clock: Clock, size: string, [few = 0, ...many]: number[]): Goal[] {
  const most = Math.max(...many);
  const speed = (peer: string) => clock.pairRatio(peer, 'cells');
  return [
    atLeast(`reading a data file (${size}), CPU: faster than csv-parse`, 3, speed('csv-parse')),
    atLeast(`the same: faster than Python's csv module`, 1, speed('python')),
    besides(
      within(`the types of all its cells: of reading`, 1.6, clock.pairRatio('types', 'cells')),
      `both passes, with values, ${clock.pairRatio('both passes', 'cells').toFixed(2)} times`,
    ),
    {
      goal: `both passes within ${LIMIT} MB of RSS`,
      measured: `${most} MB; ${few} MB with a third of the rows`,
      isMet: most <= LIMIT,
    },
  ];
}

function readBy(way: string, file: string): Promise<Read> {
  const child = forkAsInProduct('bench/support/data-file-process.ts', [way, file]);
  return new Promise<Read>((resolve, reject) => {
    child.once('message', (message) => resolve(message as Read));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${way} ended with ${code}`)));
  });
}

const python = `
import csv, json, sys, time
begun = time.process_time()
with open(sys.argv[1], newline='', encoding='utf-8') as file:
    seen = sum(1 for row in csv.reader(file)) - 1
print(json.dumps({'seen': seen, 'milliseconds': (time.process_time() - begun) * 1000, 'megabytes': 0}))
`;

const readByPython = (file: string) =>
  JSON.parse(execFileSync('python3', ['-c', python, file], { encoding: 'utf8' })) as Read;
