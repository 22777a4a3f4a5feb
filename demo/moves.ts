// Creates the demo’s data for account migrations: a paused wave (a group of accounts to migrate), the API key of the
// older system, and a dump (an export file) of one account.
import { writeFileSync } from 'node:fs';
import * as credentials from '../src/access/credentials.ts';
import { ACCOUNT_MOVES } from '../src/access/scopes.ts';
import { addWave, listWaves, pauseWave } from '../src/account-moves/waves.ts';
import type { App } from '../src/environments/app.ts';
import { dumped } from './conversations/app.ts';
import { dumpOf, writeDump } from './conversations/dump.ts';
import { wanted } from './conversations/records.ts';
import { sampleAccounts, timeOfFirstStart } from './conversations/sample.ts';
import { keyFile, newestFile } from './older-system.ts';

const person = 'moves@example.com';

/**
 * Adds a paused wave (a group of accounts to migrate in the background), which a person can resume.
 */
export async function seedWave(here: App) {
  if ((await listWaves(here.sql)).length > 0) return;
  const { id } = await addWave(here, {
    name: 'Pilot shops',
    accounts: Array.from(
      { length: 12 },
      (_one, index) => `shop-${String(index + 1).padStart(2, '0')}`,
    ),
    atOnce: 3,
    person,
  });
  await pauseWave(here, id, person);
}

/**
 * Creates the API key with which the older system starts and follows migrations. Writes a dump (an
 * export) of each account in `dumped`.
 */
export async function seedDriving(here: App) {
  const { secret } = await credentials.create(here, 'setup', {
    kind: 'bearer',
    name: 'Conversations',
    scopes: [ACCOUNT_MOVES],
  });
  writeFileSync(keyFile, secret, { mode: 0o600 });
  for (const account of sampleAccounts(timeOfFirstStart(newestFile))) {
    if (!dumped.includes(account.id)) continue;
    await writeDump(here.storage, `dumps/${account.id}/`, dumpOf(wanted(account)));
  }
}
