// Servers and networks fail during transfers: transfers stay all-or-nothing, and other users’ values are kept.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { createConnection, type Connection } from 'mysql2/promise';
import { end } from '../../bin/programs.ts';
import { startMysql } from '../../bin/mysql-server.ts';
import { startMongo, startRedis } from '../../bin/servers.ts';
import { timeouts } from '../../src/database/timeouts.ts';
import { keyText, type RowKey } from '../../src/catalog/entity.ts';
import { failpoints } from '../../src/database/failpoints.ts';
import { openApp } from '../../src/environments/app.ts';
import { runRefresh } from '../../src/refresh/refresh.ts';
import type { Transfer } from '../../src/writing/journal.ts';
import { byId } from '../../src/writing/journal.ts';
import { contents, findings, type Contents } from '../support/checker.ts';
import { elsewhere, recoverNow } from '../support/killing.ts';
import { openSite, textOf } from '../support/people.ts';
import { openProxy, type Proxy } from '../support/proxy.ts';
import { add, change, get, transfer, changedBoth, type Changed } from '../support/rows.ts';
import { openWorld, settingsOf, useWorld } from '../support/world.ts';

const folder = mkdtempSync(join(tmpdir(), 'oneway-faults-'));
const running: Record<'mysql' | 'mongo' | 'redis', ChildProcess[]> = {
  mysql: [],
  mongo: [],
  redis: [],
};
const start = {
  mysql: () => startMysql(join(folder, 'mysql'), (child) => running.mysql.push(child)),
  mongo: () => startMongo(join(folder, 'mongo'), (child) => running.mongo.push(child)),
  redis: () => startRedis(join(folder, 'redis'), (child) => running.redis.push(child)),
};

/**
 * Proxies through which staging reaches its own databases (`here`) and those of its destination
 * (`there`).
 */
let here: Record<'mysql' | 'mongo' | 'redis', Proxy>;
let there: Record<'mysql' | 'mongo', Proxy>;

async function openBehindProxies() {
  const [mysql, mongo, redis] = [await start.mysql(), await start.mongo(), await start.redis()];
  const through = (url: URL) => openProxy(Number(url.port));
  here = { mysql: await through(mysql), mongo: await through(mongo), redis: await through(redis) };
  there = { mysql: await through(mysql), mongo: await through(mongo) };
  redis.port = String(here.redis.port);
  return openWorld(
    'faults',
    ({ staging, preprod, production }) => {
      for (const one of [staging, preprod, production]) {
        one['SQL_DB_PORT'] = String(here.mysql.port);
        one['NOSQL_DB_PORT'] = String(here.mongo.port);
      }
      staging['UNI_DIR_DESTINATION_SQL_DB_PORT'] = String(there.mysql.port);
      staging['UNI_DIR_DESTINATION_NOSQL_DB_PORT'] = String(there.mongo.port);
    },
    { mysql, mongo, redis },
  );
}
const world = useWorld({ open: openBehindProxies });

afterEach(async () => {
  failpoints.reached = () => {};
  timeouts.statement = 60_000;
  for (const one of [...Object.values(here), ...Object.values(there)]) one.heal();
  // Waits until the connection pools have noticed that their connections are broken.
  await sleep(50);
});

afterAll(async () => {
  await world.close();
  for (const one of [...Object.values(here), ...Object.values(there)]) one.close();
  await Promise.all(Object.values(running).flat().map(end));
  rmSync(folder, { recursive: true, force: true });
});

/** Kills a server. restart() starts it again with the same data. */
async function crash(part: keyof typeof running) {
  const child = running[part].at(-1);
  const gone = new Promise((resolve) => child?.once('exit', resolve));
  child?.kill('SIGKILL');
  await gone;
}

async function restart(part: keyof typeof running) {
  const port = Number((await start[part]()).port);
  here[part].to(port);
  if (part !== 'redis') there[part].to(port);
}

/** Runs `work` once, when a failpoint is first reached. */
function atPoint(name: string, work: () => unknown) {
  let isDone = false;
  failpoints.reached = async (reached) => {
    if (reached === name && !isDone) {
      isDone = true;
      await work();
    }
  };
}

/** Sends both rows. Returns the transfer, or the error with which the transfer failed. */
const tryTransfer = async ({ task, form }: Changed): Promise<Transfer | Error> =>
  transfer(world.staging, [task, form]).catch((error: Error) => error);

async function settle() {
  for (let round = 0; round < 10; round += 1) {
    await recoverNow(world.staging);
    const open = await findings(world.staging, world.preprod, {
      before: new Map(),
      after: new Map(),
    });
    if (!open.some(({ kind }) => kind === 'stuck')) return;
    await sleep(500);
  }
}

const wrong = ({ before, after }: Changed, foreign?: Contents) =>
  findings(world.staging, world.preprod, { before, after, ...(foreign ? { foreign } : {}) });

const everywhere = ['claim', 'open', 'lock', 'rows', 'document', 'before commit', 'after commit'];

describe('transfers whose database connection is cut', () => {
  test.each(everywhere)(
    'a transfer whose connection to the destination’s MySQL is cut at the step “%s” is completed or rolled back',
    async (point) => {
      const changed = await changedBoth(world);
      atPoint(point, () => there.mysql.cut());
      await tryTransfer(changed);
      await settle();
      expect(await wrong(changed)).toEqual([]);
    },
  );

  test.each(['open', 'document', 'after commit', 'committed'])(
    'a transfer whose connection to the destination’s MongoDB is cut at the step “%s” is completed or rolled back',
    async (point) => {
      const changed = await changedBoth(world);
      atPoint(point, () => there.mongo.cut());
      await tryTransfer(changed);
      await settle();
      expect(await wrong(changed)).toEqual([]);
    },
  );

  test.each(['claim', 'open', 'after commit', 'removed'])(
    'a transfer whose connection to the sending environment’s MySQL is cut at the step “%s” is completed or rolled back',
    async (point) => {
      const changed = await changedBoth(world);
      atPoint(point, () => here.mysql.cut());
      await tryTransfer(changed);
      await settle();
      expect(await wrong(changed)).toEqual([]);
    },
  );
});

describe('transfers and saves whose database connection hangs half-open', () => {
  test('a transfer that is retried after the answer to its COMMIT was lost finds its rows written, and writes nothing twice', async () => {
    const changed = await changedBoth(world);
    timeouts.statement = 1000;
    atPoint('before commit', () => {
      there.mysql.hang('answers');
      setTimeout(() => there.mysql.heal(), 2500);
    });
    await tryTransfer(changed);
    await settle();
    expect(await wrong(changed)).toEqual([]);
    expect(await contents(world.preprod)).toEqual(changed.after);
    const [lines] = await world.preprod.sql.query(
      "select count(*) as arrivals from arrival where kind = 'transfer' and row_id = ? and entity = 'task'",
      [changed.task.id],
    );
    expect(lines).toEqual([{ arrivals: 2 }]);
  });

  test('a save fails with a timeout if the database server stops answering after its greeting', async () => {
    const { staging } = world;
    timeouts.statement = 1000;
    here.mysql.cut();
    await sleep(50);
    here.mysql.hang('after greeting');
    await expect(add(staging, 'form')).rejects.toThrow(/silent for too long|does not answer/);
    here.mysql.heal();
    await sleep(50);
    expect(await add(staging, 'form')).toBeGreaterThan(0);
  });

  test.each(['claim', 'lock', 'rows'])(
    'a transfer whose connection to the destination’s MySQL hangs at the step “%s” is completed or rolled back',
    async (point) => {
      const changed = await changedBoth(world);
      timeouts.statement = 1000;
      atPoint(point, () => {
        there.mysql.hang('both');
        setTimeout(() => there.mysql.heal(), 2500);
      });
      await tryTransfer(changed);
      await settle();
      expect(await wrong(changed)).toEqual([]);
    },
  );
});

describe('transfers while MySQL, MongoDB or Redis is killed', () => {
  test.each(['lock', 'before commit', 'after commit'])(
    'a transfer during which MySQL is killed at the step “%s” is completed or rolled back',
    async (point) => {
      const changed = await changedBoth(world);
      atPoint(point, () => crash('mysql'));
      const answer = await tryTransfer(changed);
      expect(answer).toBeInstanceOf(Error);
      await restart('mysql');
      await settle();
      expect(await wrong(changed)).toEqual([]);
    },
    60_000,
  );

  test.each(['rows', 'document'])(
    'a transfer during which MongoDB is killed at the step “%s” is completed or rolled back',
    async (point) => {
      const changed = await changedBoth(world);
      atPoint(point, () => crash('mongo'));
      await tryTransfer(changed);
      await restart('mongo');
      await settle();
      expect(await wrong(changed)).toEqual([]);
    },
    60_000,
  );

  test('after Redis is killed, a running transfer still completes, and pages report the failure until Redis is back', async () => {
    const changed = await changedBoth(world);
    const site = await openSite(world, 'staging');
    const client = await site.as('pm');
    atPoint('lock', () => crash('redis'));
    expect(await tryTransfer(changed)).toMatchObject({ state: 'verified' });
    const answer = await client.get('/');
    expect(answer.status).toBe(503);
    expect(textOf(answer.text)).toContain('does not answer right now');
    await restart('redis');
    for (let look = 0; look < 40 && (await client.get('/readyz')).status !== 200; look += 1) {
      await sleep(250);
    }
    expect((await client.get('/readyz')).status).toBe(200);
    expect(await wrong(changed)).toEqual([]);
    await site.close();
  }, 60_000);
});

describe('a refresh while MongoDB is slow', () => {
  test('a refresh ends if MongoDB is too slow to write 300 documents within the time limit, but fast enough for 50', async () => {
    const forms = Array.from({ length: 300 }, (_one, index) => ({
      _id: index + 1,
      modified_at: new Date(index + 1),
      name: `Form ${index + 1}`,
      description: 'x'.repeat(500),
    }));
    await world.production.documents.collection<{ _id: number }>('form').insertMany(forms);
    timeouts.statement = 1000;
    const preprod = openApp(settingsOf(world.variables.preprod));
    const source = world.production;
    here.mongo.drag(150_000);
    const report = await runRefresh({ here: preprod, there: source, source, lease: 30_000 });
    expect(report).toMatchObject({ created: forms.length, skipped: 0 });
    await preprod.close();
  }, 60_000);
});

describe('transfers that wait for row locks of another session', () => {
  test('a transfer is retried as a whole if another session locks one of its rows for longer than the lock timeout', async () => {
    const changed = await changedBoth(world);
    const holder = await world.preprod.writers.getConnection();
    atPoint('lock', async () => {
      await holder.query('start transaction');
      await holder.query(`select * from task where id = ${changed.task.id} for update`);
      setTimeout(() => void holder.query('rollback'), 6000);
    });
    expect(await tryTransfer(changed)).toMatchObject({ state: 'verified' });
    holder.release();
    expect(await wrong(changed)).toEqual([]);
    expect(await contents(world.preprod)).toEqual(changed.after);
  }, 40_000);

  test('a transfer that runs into a deadlock is retried, and then writes all of its rows', async () => {
    const changed = await changedBoth(world);
    const other = await world.preprod.writers.getConnection();
    let theirs: Promise<unknown> = Promise.resolve();
    atPoint('lock', async () => {
      await other.query('start transaction');
      await other.query(`select * from task where id = ${changed.task.id} for update`);
      setTimeout(() => {
        theirs = other
          .query("update clock set instant = instant where name = 'clock'")
          .then(() => other.query('rollback'))
          .catch(() => {});
      }, 300);
    });
    expect(await tryTransfer(changed)).toMatchObject({ state: 'verified' });
    await theirs;
    other.destroy();
    expect(await wrong(changed)).toEqual([]);
    expect(await contents(world.preprod)).toEqual(changed.after);
  }, 40_000);
});

describe('transfers by processes whose clock is wrong', () => {
  test.each([-3_600_000, 3_600_000])(
    'if the clock of a program server is wrong by %d ms, later changes still get a later modified_at',
    async (skew) => {
      const changed = await changedBoth(world);
      const { task, form } = changed;
      const first = (await get(world.preprod, task)).modified_at;
      const order = { variables: world.variables.staging, at: null, skew };
      const { code, said } = await elsewhere({
        ...order,
        task: { do: 'transfer', keys: [task, form] },
      }).ended;
      expect([code, said]).toEqual([0, '']);
      const second = (await get(world.preprod, task)).modified_at;
      await change(world.staging, task, { title: 'Newest' });
      await transfer(world.staging, [task]);
      const third = (await get(world.preprod, task)).modified_at;
      expect([first, second, third].toSorted()).toEqual([first, second, third]);
      expect(new Set([first, second, third]).size).toBe(3);
    },
  );

  test('recovery resumes the transfer of a dead process at once, even if the clock of that process was an hour fast', async () => {
    const changed = await changedBoth(world);
    const { ended } = elsewhere({
      variables: world.variables.staging,
      task: { do: 'transfer', keys: [changed.task, changed.form] },
      at: { point: 'document', times: 1, signal: 'SIGKILL' },
      skew: 3_600_000,
    });
    expect((await ended).signal).toBe('SIGKILL');
    await recoverNow(world.staging);
    expect(await wrong(changed)).toEqual([]);
    expect(await contents(world.preprod)).toEqual(changed.after);
  });
});

/**
 * Fills the disk of the database server. Returns a function that frees the disk, or does nothing if
 * the next start of the server gives it more space.
 */
async function fill(root: Connection, database: string): Promise<() => Promise<unknown>> {
  const [[server]] = (await root.query('select version() as version')) as unknown as [
    { version: string }[],
  ];
  await root.query(`use \`${database}\``);
  if (/^1[1-9]\..*MariaDB/.test(server?.version ?? '')) {
    // This version of MariaDB ends itself when its data file is full, instead of answering with an
    // error. So a trigger answers with that error.
    await root.query(`create trigger no_room before insert on task for each row
      if (select count(*) from task) >= 20 then
        signal sqlstate 'HY000' set mysql_errno = 1114, message_text = "The table 'task' is full";
      end if`);
    return () => root.query('drop trigger no_room');
  }
  await root.query('create table ballast (id int auto_increment primary key, filler longblob)');
  for (const size of [1_000_000, 100_000, 10_000]) {
    for (;;) {
      const room = await root
        .query('insert into ballast (filler) values (repeat("x", ?))', [size])
        .then(
          () => true,
          () => false,
        );
      if (!room) break;
    }
  }
  return async () => {};
}

test('a transfer to a destination whose disk is full writes nothing and reports the reason, and succeeds once space is free', async () => {
  const small = mkdtempSync(join(tmpdir(), 'oneway-full-'));
  const children: ChildProcess[] = [];
  // A limit on file size makes InnoDB fail as on a full disk.
  const withRoom = (megabytes: number) =>
    startMysql(join(small, 'mysql'), (child) => children.push(child), [
      '--innodb-file-per-table=0',
      `--innodb-data-file-path=ibdata1:12M:autoextend:max:${megabytes}M`,
    ]);
  const mysql = await withRoom(48);
  const root = await createConnection({ uri: mysql.href });
  const proxy = await openProxy(Number(mysql.port));
  mysql.port = String(proxy.port);
  const full = await openWorld('full', () => {}, {
    mysql,
    mongo: new URL(process.env['TEST_MONGO_URL'] ?? ''),
    redis: new URL(process.env['TEST_REDIS_URL'] ?? ''),
  });
  const narrow = await openWorld('narrow', ({ staging }) => {
    for (const name of ['NAME', 'USER', 'PASSWORD', 'HOST', 'PORT']) {
      staging[`UNI_DIR_DESTINATION_SQL_DB_${name}`] =
        full.variables.preprod[`SQL_DB_${name}`] ?? '';
      staging[`UNI_DIR_DESTINATION_NOSQL_DB_${name}`] =
        full.variables.preprod[`NOSQL_DB_${name}`] ?? '';
    }
  });
  try {
    const { staging } = narrow;
    const form = { entity: 'form', id: await add(staging, 'form') };
    const business = await add(staging, 'business');
    const text = 'x'.repeat(3900);
    const keys: RowKey[] = [form];
    for (let number = 0; number < 40; number += 1) {
      const id = await add(staging, 'task', { business, form: form.id, message: text });
      keys.push({ entity: 'task', id });
    }
    const before = await contents(full.preprod);
    const after = await contents(staging);
    const makeRoom = await fill(root, full.variables.preprod['SQL_DB_NAME'] ?? '');
    const answer = await transfer(staging, keys).catch((error: Error) => error);
    const said =
      answer instanceof Error
        ? answer.message
        : ((await byId(staging.sql, answer.id))?.problem ?? '');
    expect(said).toMatch(/full|room/i);
    expect(await contents(full.preprod)).toEqual(before);
    await makeRoom();
    await root.end();
    await Promise.all(children.map(end));
    proxy.to(Number((await withRoom(96)).port));
    await sleep(100);
    await recoverNow(staging);
    await recoverNow(staging);
    expect(await findings(staging, full.preprod, { before, after })).toEqual([]);
    expect(await transfer(staging, keys)).toMatchObject({ state: 'verified' });
    expect((await contents(full.preprod)).get(keyText(form))).toBe(after.get(keyText(form)));
  } finally {
    await full.close();
    await narrow.close();
    proxy.close();
    await Promise.all(children.map(end));
    rmSync(small, { recursive: true, force: true });
  }
}, 180_000);
