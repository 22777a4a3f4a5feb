// Tests that the MySQL rows and the documents of a backup are from one point in time, while users save, transfer and
// delete rows and while processes are killed.
import { expect, test } from 'vitest';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { entityNamed } from '../../src/catalog/index.ts';
import { textOf } from '../../src/catalog/fields.ts';
import { catalogTables } from '../../src/catalog/tables.ts';
import { name, run, sql } from '../../src/database/sql.ts';
import { loadBackup } from '../../src/backups/load.ts';
import type { Manifest } from '../../src/backups/manifest.ts';
import { takeBackup } from '../../src/backups/take.ts';
import { walk } from '../../src/rows/store.ts';
import { folderObjects } from '../../src/storage/folder.ts';
import type { Row } from '../../src/catalog/entity.ts';
import { deletions as removeRow } from '../support/deleting.ts';
import { killedAt, recoverAll } from '../support/killing.ts';
import { add, change, transfer } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();

type Pair = { task: { entity: string; id: number }; form: { entity: string; id: number } };

async function addPair(business: number, name: string): Promise<Pair> {
  const form = await add(world.staging, 'form', { name, description: '0' });
  const task = await add(world.staging, 'task', { business, form, title: name, message: '0' });
  return { task: { entity: 'task', id: task }, form: { entity: 'form', id: form } };
}

/**
 * Starts four writers, which run until the backups are taken: one saves rows, one transfers them, one deletes them, and
 * one kills processes during a transfer. A writer ignores errors, because a write is refused when another writer
 * changed the row first.
 */
function writers(business: number, isOver: () => boolean): Promise<unknown>[] {
  const { staging, preprod, variables } = world;
  const repeat = async (work: (count: number) => Promise<unknown>) => {
    for (let count = 1; !isOver(); count += 1) {
      await work(count).catch(() => {});
      // Pause between the writes, because a backup needs a moment in which no document is written.
      await sleep(50);
    }
  };
  const saves = async () => {
    const { form, task } = await addPair(business, 'saved');
    await transfer(staging, [task, form]);
    // Each round saves the form before its task, so a task in a backup is never newer than its
    // form.
    await repeat(async (count) => {
      await change(preprod, form, { description: String(count) });
      await change(preprod, task, { message: String(count) });
    });
  };
  const transfers = async () => {
    const { form, task } = await addPair(business, 'transferred');
    await repeat(async (count) => {
      await change(staging, form, { description: String(count) });
      await change(staging, task, { message: String(count) });
      await transfer(staging, [task, form]);
    });
  };
  const deletions = () =>
    repeat(async () => {
      const { form, task } = await addPair(business, 'deleted');
      await transfer(staging, [task, form]);
      await removeRow(preprod, task);
      await removeRow(preprod, form);
    });
  const kills = async () => {
    const { form, task } = await addPair(business, 'killed');
    await repeat(async (count) => {
      await change(staging, form, { description: String(count) });
      await change(staging, task, { message: String(count) });
      const keys = [task, form];
      const at = { point: 'any', times: 3 + (count % 12) };
      await killedAt(variables.staging, { do: 'transfer', keys }, at);
      await recoverAll(staging);
    });
  };
  return [saves(), transfers(), deletions(), kills()];
}

/**
 * Returns a sentence for each task in a backup that is from another point in time than its form.
 */
function mixedMoments(tasks: Row[], forms: Row[]): string[] {
  const formOf = new Map(forms.map((form) => [form.id, form]));
  return tasks.flatMap((task) => {
    const form = formOf.get(Number(task['form']));
    const [title, message] = [textOf(task['title'] ?? null), Number(task['message'])];
    if (!form) return [`${title}: a task without its form`];
    const described = Number(form['description']);
    const isFit = title === 'saved' ? [0, 1].includes(described - message) : described === message;
    return isFit ? [] : [`${title}: task at ${message}, form at ${described}`];
  });
}

async function rowsOf(entity: string): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const part of walk(world.production, entityNamed(entity), 0, 500)) rows.push(...part);
  return rows;
}

/** Removes every row of production, so that the next backup can be loaded there. */
async function emptyProduction() {
  const { sql: on, documents } = world.production;
  const { mysql, mongo } = catalogTables();
  for (const table of [...mysql, 'row_state']) await run(on, sql`delete from ${name(table)}`);
  for (const one of mongo) await documents.collection(one).deleteMany({});
}

test('S1-89 the MySQL rows and MongoDB documents of a backup are from one point in time, even while users write and processes are killed', async () => {
  const store = folderObjects(await mkdtemp(join(tmpdir(), 'oneway-backups-')));
  const business = await add(world.staging, 'business');
  await transfer(world.staging, [{ entity: 'business', id: business }]);
  let isOver = false;
  const writing = writers(business, () => isOver);
  const taken: Manifest[] = [];
  for (let attempt = 0; attempt < 6 && taken.length < 2; attempt += 1) {
    const client = `cosmos${attempt}`;
    const manifest = await takeBackup(world.preprod, { store, client, recipient: null }).catch(
      (error: unknown) => {
        if (error instanceof Error && /is tried again later/.test(error.message)) return null;
        throw error;
      },
    );
    if (manifest) taken.push(manifest);
  }
  isOver = true;
  await Promise.all(writing);
  expect(taken.length).toBeGreaterThan(0);
  for (const manifest of taken) {
    await emptyProduction();
    await loadBackup({ store, identity: null }, manifest, world.production);
    expect(mixedMoments(await rowsOf('task'), await rowsOf('form'))).toEqual([]);
  }
}, 240_000);
