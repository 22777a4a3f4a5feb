// Takes backups and makes staging databases (copies) in this process, with the same jobs as the servers.
import { setTimeout as sleep } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import { clientOf, withBackups } from '../../src/backups/job.ts';
import type { Manifest } from '../../src/backups/manifest.ts';
import { takeBackup } from '../../src/backups/take.ts';
import type { App } from '../../src/environments/app.ts';
import { runJob } from '../../src/jobs/runner.ts';
import { accept } from '../../src/staging/accept.ts';
import * as copies from '../../src/staging/copies.ts';
import { drop } from '../../src/staging/drop.ts';
import { requestRestoreTest } from '../../src/staging/restore-test-request.ts';
import { tasks } from '../../src/tasks.ts';
import type { Ground } from './ground.ts';
import { databaseOf } from './ground.ts';
import { fieldDocuments, fillDocuments, fillSql, formDocuments } from './rows.ts';

const CLIENT = 'bench';

/**
 * Fills production with `rows` tasks and their entries in the table `row_state`, and with a tenth as many form fields.
 */
export async function fillProduction({ world: { production }, lower }: Ground, rows: number) {
  const [forms, fields] = [Math.ceil(rows / 100), Math.ceil(rows / 10)];
  const database = databaseOf(production);
  await fillSql(lower.ask, database, rows);
  await lower.ask.query(
    `INSERT INTO ??.row_state (entity, row_id, root_entity, root_id, title, hash, version,
                               created_by, created_at, changed_by, changed_at)
     SELECT 'task', id, 'task', id, title, SHA2(title, 256), 1, 'pm@example.com', modified_at, 'pm@example.com', modified_at
       FROM ??.task`,
    [database, database],
  );
  await fillDocuments(production.documents, 'form', formDocuments(forms));
  await fillDocuments(production.documents, 'form_field', fieldDocuments(fields, forms));
}

/** Takes a backup. Waits before it, because two backups must not begin in the same second. */
export async function backUp(production: App): Promise<Manifest> {
  await sleep(1100);
  return withBackups(production, (store) =>
    takeBackup(production, { store, client: clientOf(production), recipient: null }),
  );
}

/**
 * Orders a staging database and runs its job: everything that happens from the click on *Run* until the database is
 * ready.
 */
export async function makeCopy(staging: App, suffix: string): Promise<copies.Copy> {
  const { order, build } = await orderCopy(staging, suffix);
  await build();
  return readyCopy(staging, order);
}

export async function orderCopy(staging: App, suffix: string) {
  const order = uuid();
  const { job } = await accept(staging, {
    order,
    client: CLIENT,
    level: 'lab',
    timestamp: false,
    suffix,
    replace: false,
    person: 'pm@example.com',
    callback: null,
  });
  return { order, build: () => runToEnd(staging, job?.id ?? '') };
}

export async function readyCopy(staging: App, order: string): Promise<copies.Copy> {
  const copy = await copies.byId(staging.sql, order);
  if (copy?.state !== 'ready') throw new Error(`The copy is ${copy?.state}: ${copy?.problem}`);
  return copy;
}

/**
 * Runs the restore test of the newest backup, which leaves a tested staging database (the spare). The next order of a
 * staging database gets the spare at once.
 */
export async function makeSpare(staging: App) {
  const { job } = await requestRestoreTest(staging.sql, CLIENT);
  await runToEnd(staging, job.id);
}

export async function dropSpare(staging: App) {
  const spare = await copies.spareOf(staging.sql, CLIENT);
  if (spare) await drop(staging, spare, 'pm@example.com');
}

async function runToEnd(staging: App, id: string) {
  const ended = await runJob(staging, tasks, id);
  if (ended?.state !== 'done') throw new Error(`The job ended: ${ended?.problem}`);
}
