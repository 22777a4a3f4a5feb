// Tests bin/test and bin/demo: when they are started again, the database accounts that they created before get new
// passwords, and no process that they started keeps running after they end.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createConnection } from 'mysql2/promise';
import { dropEnvironments, prepareEnvironments, settingsOf } from '../../bin/databases.ts';
import type { Addresses } from '../../bin/servers.ts';
import { endLeftBehind, MARK } from '../support/left-behind.ts';
import { servers } from '../support/world.ts';

const prefix = `again${process.env['VITEST_POOL_ID'] ?? '0'}`;
const folder = mkdtempSync(join(tmpdir(), 'oneway-again-'));
const storage = (environment: string) => join(folder, environment);

/** Signs in to the MySQL server of staging with the user and the password in its settings; returns the password. */
async function signIn(at: Addresses) {
  const { staging } = settingsOf(at, prefix, storage, 'app');
  const connection = await createConnection({
    host: staging['SQL_DB_HOST'] ?? '',
    port: Number(staging['SQL_DB_PORT']),
    user: staging['SQL_DB_USER'] ?? '',
    password: staging['SQL_DB_PASSWORD'] ?? '',
  });
  await connection.end();
  return staging['SQL_DB_PASSWORD'];
}

test('when the demo or the tests are started again, the database accounts that they created before get new passwords', async () => {
  const at = servers();
  const root = await createConnection({ uri: at.mysql.href });
  const other = new URL(at.mysql);
  Object.assign(other, { username: `${prefix}_root`, password: 'of-another-start' });
  await root.query(`drop user if exists '${other.username}'@'%'`);
  await root.query(`create user '${other.username}'@'%' identified by '${other.password}'`);
  await root.query(`grant all on *.* to '${other.username}'@'%' with grant option`);
  try {
    await prepareEnvironments(at, prefix, storage);
    const former = await signIn(at);
    await prepareEnvironments({ ...at, mysql: other }, prefix, storage);
    expect(await signIn({ ...at, mysql: other })).not.toBe(former);
    await expect(signIn(at)).rejects.toMatchObject({ code: 'ER_ACCESS_DENIED_ERROR' });
  } finally {
    await dropEnvironments(at, prefix);
    await root.query(`drop user '${other.username}'@'%'`);
    await root.end();
  }
});

test('when the test runner ends, it kills the processes that it started and the child processes of these processes', async () => {
  const run = `${process.pid}-left`;
  const endless = "console.log('on'); setInterval(() => {}, 1000)";
  const parent = spawn(
    process.execPath,
    [
      '-e',
      `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(endless)}],
         { detached: true, stdio: 'inherit' }); setInterval(() => {}, 1000)`,
    ],
    { env: { ...process.env, [MARK]: run }, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await once(parent.stdout, 'data');
  // The parent process and its child both write to this pipe, so the pipe closes only after both have ended.
  const closed = once(parent, 'close');
  endLeftBehind(run);
  expect(await closed).toEqual([null, 'SIGKILL']);
}, 20_000);
