// Measures the memory of a process that takes a backup, and of a process that makes a staging database (a copy) from
// the backup, with few and with many rows. The memory must not grow with the number of rows.
import { drop } from '../src/staging/drop.ts';
import * as copies from '../src/staging/copies.ts';
import { chosenRows } from './support/arguments.ts';
import { fillProduction } from './support/copies.ts';
import { empty, type Ground } from './support/ground.ts';
import { forkAsInProduct } from './support/as-in-product.ts';
import type { Found, Goal } from './support/results.ts';

const LIMIT = 300;

type Used = { before: number; most: number };

export async function stagingMemory(ground: Ground): Promise<Found> {
  const { production, staging } = ground.world;
  const many = chosenRows(90_000);
  const used: Record<'backup' | 'copy', Used[]> = { backup: [], copy: [] };
  for (const rows of [Math.ceil(many / 3), many]) {
    await empty(production);
    await fillProduction(ground, rows);
    used.backup.push(await memoryOf('backup', ground.world.variables.production));
    used.copy.push(await memoryOf('copy', ground.world.variables.staging));
    for (const copy of await copies.live(staging.sql)) await drop(staging, copy, 'pm@example.com');
    console.log(`  ${rows} rows: ${JSON.stringify(used)}`);
  }
  return {
    counts: { many, used },
    goals: [
      goal(`taking a backup of ${many.toLocaleString('en')} tasks`, used.backup),
      goal(`making a copy of ${many.toLocaleString('en')} tasks`, used.copy),
    ],
  };
}

function goal(doing: string, used: Used[]): Goal {
  const [few, many] = used.map(({ most }) => most);
  return {
    goal: `${doing} within ${LIMIT} MB of RSS`,
    measured: `${many} MB; ${few} MB with a third of the rows`,
    isMet: (many ?? Infinity) <= LIMIT,
  };
}

function memoryOf(what: 'backup' | 'copy', variables: Record<string, string>): Promise<Used> {
  const env = { ...process.env, ...variables };
  const child = forkAsInProduct('bench/support/backup-process.ts', [what], env);
  return new Promise<Used>((resolve, reject) => {
    let used: Used | undefined;
    child.once('message', (message) => (used = message as Used));
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code === 0 && used) resolve(used);
      else reject(new Error(`It ended with ${code}`));
    });
  });
}
