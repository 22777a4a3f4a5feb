// Measures the memory of a process that refreshes 1,000,000 rows.
import { forkAsInProduct } from './support/as-in-product.ts';
import { databaseOf, type Ground } from './support/ground.ts';
import type { Found } from './support/results.ts';
import { fillSql } from './support/rows.ts';
import { sized } from './support/timing.ts';

type Told = { created: number; megabytes: number[]; most: number };

export async function memory({ world, lower }: Ground): Promise<Found> {
  const rows = sized(1_000_000);
  await fillSql(lower.ask, databaseOf(world.production), rows);
  const env = { ...process.env, ...world.variables.preprod };
  const child = forkAsInProduct('bench/support/refresh-process.ts', [], env);
  const told = await new Promise<Told>((resolve, reject) => {
    child.once('message', (message) => resolve(message as Told));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`It ended with ${code}`)));
  });
  if (told.created < rows) throw new Error(`Only ${told.created} rows came down`);
  return {
    counts: { rows, megabytesEvery50000Rows: told.megabytes },
    goals: [
      {
        goal: `${rows.toLocaleString('en')} rows down within 300 MB of RSS`,
        measured: `${told.most} MB`,
        isMet: told.most <= 300,
      },
    ],
  };
}
