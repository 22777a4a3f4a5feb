// Tests that a backup taken while transfers arrive has MySQL rows and MongoDB documents from one point in time.
import { beforeEach, expect, test } from 'vitest';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { documentsIn } from '../../src/backups/documents.ts';
import type { Manifest } from '../../src/backups/manifest.ts';
import { contentOf } from '../../src/backups/read.ts';
import { statementsIn } from '../../src/backups/statements.ts';
import { takeBackup } from '../../src/backups/take.ts';
import { folderObjects } from '../../src/storage/folder.ts';
import type { Objects } from '../../src/storage/objects.ts';
import { add, change, transfer } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
let store: Objects;
beforeEach(async () => {
  store = folderObjects(await mkdtemp(join(tmpdir(), 'oneway-backups-')));
});

test('a backup taken during transfers contains a task (in MySQL) and its form (in MongoDB) from the same transfer', async () => {
  const { staging, preprod } = world;
  const form = await add(staging, 'form', { description: 'moment 0;' });
  const business = await add(staging, 'business');
  const task = await add(staging, 'task', { business, form, message: 'moment 0;' });
  const both = [
    { entity: 'task', id: task },
    { entity: 'form', id: form },
  ] as const;
  await transfer(staging, [...both]);
  let isOver = false;
  let sent = 0;
  const writing = (async () => {
    while (!isOver) {
      sent += 1;
      await change(staging, both[0], { message: `moment ${sent};` });
      await change(staging, both[1], { description: `moment ${sent};` });
      await transfer(staging, [...both]);
    }
  })();
  const seen: string[][] = [];
  for (let taken = 0; taken < 5;) {
    const manifest = await takeBackup(preprod, {
      store,
      client: `cosmos${taken}`,
      recipient: null,
    }).catch((error: unknown) => {
      // The transfers follow each other without a pause, so a backup may give up after several
      // attempts.
      if (error instanceof Error && error.message.includes('is tried again later')) return null;
      throw error;
    });
    if (manifest) seen.push(await momentsIn(manifest));
    taken += 1;
  }
  isOver = true;
  await writing;
  expect(seen.filter(([one, other]) => one !== other)).toEqual([]);
  expect(seen.length).toBeGreaterThan(1);
}, 120_000);

/**
 * Returns the text of the task and the text of the form in a backup. Equal texts come from the same
 * transfer.
 */
async function momentsIn(manifest: Manifest): Promise<string[]> {
  const file = (of: string) => {
    const found = manifest.files.find((one) => one.of === of);
    if (!found) throw new Error(`There is no file of ${of}`);
    return contentOf({ store, identity: null }, manifest, found);
  };
  let text = '';
  for await (const statement of statementsIn(file('task'), 'task')) text += statement.text;
  const found = [/moment \d+;/.exec(text)?.[0] ?? 'no task'];
  for await (const batch of documentsIn(file('form'))) {
    found.push(...batch.map((one) => String(one['description'])));
  }
  return found;
}
