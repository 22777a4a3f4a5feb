// Tests the command line while servers of its environment refuse connections, do not answer or break off. Each
// command ends with a message that names the server and the remedy.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../bin/programs.ts';
import { hire, password } from '../support/people.ts';
import { openProxy, type Proxy } from '../support/proxy.ts';
import { add } from '../support/rows.ts';
import { newBucket } from '../support/storage.ts';
import { servers, useWorld } from '../support/world.ts';

const world = useWorld({ cleared: 'once' });
let startUp: number;
beforeAll(async () => {
  startUp = (await oneway(['--help'])).took;
});

const open: Proxy[] = [];
afterAll(() => {
  for (const proxy of open) proxy.close();
});
async function proxyTo(port: number | string) {
  const proxy = await openProxy(Number(port));
  open.push(proxy);
  return proxy;
}

function begin(words: string[], also: Record<string, string> = {}) {
  const begun = performance.now();
  const child = spawn(process.execPath, ['src/commands/oneway.ts', ...words], {
    env: { PATH: process.env['PATH'], ...world.variables.staging, ...also },
  });
  const said = Promise.all([once(child, 'exit'), text(child.stdout), text(child.stderr)]);
  const ended = said.then(([[status], stdout, stderr]) => ({
    status: status as number | null,
    stdout,
    stderr,
    took: performance.now() - begun,
  }));
  return { child, ended };
}

function oneway(words: string[], also?: Record<string, string>, input = '') {
  const { child, ended } = begin(words, also);
  child.stdin.end(input);
  return ended;
}

/**
 * Checks that a command failed with one line of text within ten seconds. The start of the process
 * is not counted, because it is slow on a busy machine.
 */
function expectEnd(ended: Awaited<ReturnType<typeof oneway>>, words: string) {
  expect([ended.status, ended.stderr]).toEqual([1, expect.stringMatching(words)]);
  expect(ended.stderr.trim()).not.toContain('\n');
  expect(ended.took - startUp).toBeLessThan(10_000);
}

type Fault = [string, (proxy: Proxy) => unknown];
const refused: Fault = ['refusing connections', (proxy) => proxy.refuse()];
const silent: Fault = ['not answering', (proxy) => proxy.hang('both')];
const faults: Fault[] = [
  refused,
  silent,
  ['not answering after its greeting', (proxy) => proxy.hang('after greeting')],
  ['breaking off its answers', (proxy) => proxy.cutAfter(50)],
];

describe('a command while a database of its environment fails', () => {
  test.each(faults)(
    'a command ends with an error message when a database of its environment is %s (F11, walk 1)',
    async (_fault, fail) => {
      const { mysql, mongo } = servers();
      const proxies = { mysql: await proxyTo(mysql.port), mongo: await proxyTo(mongo.port) };
      await Promise.all(Object.values(proxies).map(fail));
      const [status, version] = await Promise.all([
        oneway(['status'], { SQL_DB_PORT: String(proxies.mysql.port) }),
        oneway(['db', 'version'], { NOSQL_DB_PORT: String(proxies.mongo.port) }),
      ]);
      expectEnd(status, 'MySQL of staging does not answer.* correct SQL_DB_.* Nothing was done');
      expectEnd(version, 'MongoDB of staging does not answer.* correct NOSQL_DB_');
    },
    60_000,
  );

  test('when a database stops answering during a command, the command ends and says that the outcome is not certain (F11, walk 1)', async () => {
    const proxy = await proxyTo(servers().mysql.port);
    // At this point the command has connected to MySQL and waits for a password.
    const { child, ended } = begin(['sign-in', '--email', 'pm@example.com'], {
      SQL_DB_PORT: String(proxy.port),
    });
    while (proxy.bytes() < 100) await sleep(50);
    await sleep(500);
    proxy.hang('both');
    const hung = performance.now();
    const end = await ended;
    child.stdin.destroy();
    expectEnd({ ...end, took: performance.now() - hung }, 'MySQL of staging .* not certain');
  }, 60_000);

  test('when MySQL refuses the password, a command ends and names the settings to correct (F11, walk 2)', async () => {
    const ended = await oneway(['status'], { SQL_DB_PASSWORD: 'wrong' });
    expectEnd(ended, 'MySQL of staging refused the user name or password.*SQL_DB_');
  }, 30_000);
});

test('a command that does not need Redis works while Redis does not answer (F11)', async () => {
  const proxy = await proxyTo(servers().redis.port);
  proxy.hang('both');
  const ended = await oneway(['status'], { REDIS_URL: `redis://127.0.0.1:${proxy.port}` });
  expect([ended.status, ended.stderr]).toEqual([0, '']);
}, 30_000);

describe('a command while the image store or the backup store fails', () => {
  test.each([
    { fault: refused, command: 'backup verify' },
    { fault: silent, command: 'backup list' },
    { fault: silent, command: 'backup now' },
    { fault: silent, command: 'transfer' },
  ])(
    'when the store of images or backups is $fault.0, the command “oneway $command” ends with an error message (F11)',
    async ({ fault: [, fail], command }) => {
      const { bucket, endpoint, keys } = await newBucket('');
      const proxy = await proxyTo(new URL(endpoint ?? '').port);
      await fail(proxy);
      const url = `http://127.0.0.1:${proxy.port}`;
      const keysOf = (name: string) => ({
        [`${name}_ACCESS_KEY_ID`]: keys?.id ?? '',
        [`${name}_SECRET_ACCESS_KEY`]: keys?.secret ?? '',
      });
      const ended =
        command === 'transfer'
          ? await oneway(['transfer', await rowWithImage(), '--yes'], {
              ...keysOf('STORAGE'),
              STORAGE_URL: `s3://${bucket}?endpoint=${url}`,
              ONEWAY_TOKEN: await tokenOf('pm'),
            })
          : await oneway(command.split(' '), {
              ...keysOf('BACKUPS'),
              BACKUPS_URL: `${url}?region=us-east-1`,
              BACKUPS_MINIO_BUCKET: bucket,
              BACKUPS_CLIENT: 'cosmos',
            });
      expectEnd(ended, `storage bucket ${bucket} .* does not answer.* correct .*STORAGE_URL`);
    },
    60_000,
  );

  test('the command oneway backup list works while the databases are unreachable (F11)', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'oneway-backups-'));
    await mkdir(join(folder, 'dev-backups'));
    const nowhere = String(await freePort());
    const ended = await oneway(['backup', 'list'], {
      SQL_DB_PORT: nowhere,
      NOSQL_DB_PORT: nowhere,
      BACKUPS_URL: `file://${folder}`,
      BACKUPS_CLIENT: 'cosmos',
    });
    expect([ended.status, ended.stdout]).toEqual([0, expect.stringContaining('no backups of')]);
  }, 30_000);
});

async function rowWithImage() {
  const icon = `${'0'.repeat(64)}.png`;
  return `business:${await add(world.staging, 'business', { name: 'With an icon', icon })}`;
}

async function tokenOf(role: string) {
  await hire(world.staging, role);
  const words = ['sign-in', '--email', `${role}@example.com`, '--print'];
  return (await oneway(words, {}, `${password}\n`)).stdout.trim();
}
