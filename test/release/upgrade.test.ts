// The command `oneway db migrate` keeps all other users out, survives a kill at every step, and upgrades every earlier
// version.
import { afterEach, describe, expect, test } from 'vitest';
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { prepareEnvironments } from '../../bin/databases.ts';
import { upgrade } from '../../src/release/upgrade.ts';
import { available, migrate } from '../../src/database/migrate.ts';
import { select, sql } from '../../src/database/sql.ts';
import { openApp, type App } from '../../src/environments/app.ts';
import { readOne } from '../../src/rows/store.ts';
import { currentVersion } from '../../src/version/db-version.ts';
import { readVersion, writeVersion } from '../../src/version/metadata.ts';
import { surroundings } from '../support/left-behind.ts';
import {
  claimsIn,
  elsewhere,
  killedAt,
  recoverNow,
  stoppedAt,
  transferKilledAt,
} from '../support/killing.ts';
import { add, change, transfer } from '../support/rows.ts';
import { servers, settingsOf, useWorld } from '../support/world.ts';
import { isUpTo, lastMigrations } from '../support/versions.ts';

const world = useWorld();

const oneway = (name: 'staging' | 'preprod', words: string[]) =>
  spawnSync(process.execPath, ['src/commands/oneway.ts', ...words], {
    env: { ...surroundings(), ...world.variables[name] },
    encoding: 'utf8',
  });

const said: string[] = [];
const go = (here: App, patience = 10_000) =>
  upgrade({ here, say: (line) => said.push(line), waitMs: patience });

describe('the command oneway db migrate, which upgrades the databases of an environment', () => {
  test('S2-40 S2-41 the command oneway db migrate sets the flag isUpdating, migrates the databases, writes the version and clears the flag', async () => {
    const { preprod } = world;
    await writeVersion(preprod.documents, { databaseVersion: '0.9.0', isUpdating: false });
    const running = go(preprod);
    await sleep(500);
    expect(await readVersion(preprod.documents)).toMatchObject({
      databaseVersion: '0.9.0',
      isUpdating: true,
      by: expect.stringContaining('@'),
    });
    await running;
    expect(await readVersion(preprod.documents)).toEqual({
      databaseVersion: currentVersion(),
      isUpdating: false,
    });
  });

  test('the command oneway db migrate waits for a running transfer', async () => {
    const { staging, preprod, variables } = world;
    const form = { entity: 'form', id: await add(staging, 'form') };
    const { goOn } = await stoppedAt(
      variables.staging,
      { do: 'transfer', keys: [form] },
      { point: 'lock', times: 1 },
    );
    let isOver = false;
    const running = go(preprod).then(() => (isOver = true));
    await sleep(3500);
    expect(isOver).toBe(false);
    expect(said.at(-1)).toContain('from staging (pm@example.com)');
    await goOn();
    await running;
    const other = { entity: 'form', id: await add(staging, 'form') };
    await transferKilledAt(variables.staging, [other], 'document');
    const again = go(preprod);
    await sleep(3000);
    await recoverNow(staging);
    await again;
    expect(await claimsIn(preprod)).toBe(0);
    expect(await readOne(preprod, other)).toBeDefined();
  });

  test('the command oneway db migrate completes the transfers of dead processes, without a running server, even if the version before wrote them', async () => {
    const { staging, variables } = world;
    const form = { entity: 'form', id: await add(staging, 'form') };
    const facts = { description: 'Newer' };
    await killedAt(
      variables.staging,
      { do: 'save', key: form, facts },
      { point: 'document', times: 1 },
    );
    expect(await claimsIn(staging)).toBeGreaterThan(0);
    // Before 1.18.0, a line of the table `claim` claimed one row and had no column `last_id`.
    await staging.sql.query('alter table claim drop column last_id');
    await staging.sql.query("delete from migration where name = 'app/0027-claim-ranges.sql'");
    expect(await go(staging)).toEqual(['app/0027-claim-ranges.sql']);
    expect(await claimsIn(staging)).toBe(0);
    expect((await readOne(staging, form))?.['description']).toBe('Newer');
  });

  test('the command oneway db migrate clears the flag isUpdating and says what to do when a running transfer does not end', async () => {
    const { staging, preprod, variables } = world;
    const form = { entity: 'form', id: await add(staging, 'form') };
    await transferKilledAt(variables.staging, [form], 'lock');
    await expect(go(preprod, 500)).rejects.toThrow('“oneway claims” shows what is held');
    expect((await readVersion(preprod.documents))?.isUpdating).toBe(false);
    const [held] = await select<{ transfer: string }>(
      preprod.sql,
      sql`select transfer from claim limit 1`,
    );
    const listed = oneway('preprod', ['claims']);
    expect(listed.stdout).toContain(`${held?.transfer}  transfer`);
    const words = ['claims', 'release', held?.transfer ?? ''];
    expect(oneway('preprod', words).status).toBe(2);
    const released = oneway('preprod', [...words, '--reason', 'staging was thrown away']);
    expect(released.stdout).toContain('claims released');
    const [line] = await select<{ detail: string }>(
      preprod.sql,
      sql`select detail from audit where action = 'released claims'`,
    );
    expect(line?.detail).toBe('staging was thrown away');
    expect(await go(preprod)).toEqual([]);
    // The server of staging, which sent the rows, works again: it resumes the transfer and completes it.
    await recoverNow(staging);
    expect(await readOne(preprod, form)).toBeDefined();
    expect(await claimsIn(preprod)).toBe(0);
  });

  test('the command oneway db migrate leaves isUpdating set if it was set before, because the schema may be half migrated', async () => {
    const { staging, preprod, variables } = world;
    const form = { entity: 'form', id: await add(staging, 'form') };
    await transferKilledAt(variables.staging, [form], 'lock');
    await writeVersion(preprod.documents, { databaseVersion: '1.2.0', isUpdating: true });
    await expect(go(preprod, 500)).rejects.toThrow('These do not end');
    expect(await readVersion(preprod.documents)).toMatchObject({
      databaseVersion: '1.2.0',
      isUpdating: true,
    });
    await writeVersion(preprod.documents, { databaseVersion: currentVersion(), isUpdating: false });
    await recoverNow(staging);
  });

  test('a second oneway db migrate during the first is refused, and names the person who runs the first', async () => {
    const first = go(world.preprod);
    await sleep(300);
    await expect(go(world.preprod)).rejects.toThrow(/Another migration .* under way by .*@/);
    await first;
  });
});

describe('commands while the databases are being upgraded', () => {
  test('S2-30 S2-31 a command that is run while the databases are being upgraded fails with exit code 3, the reason and a remedy', async () => {
    await writeVersion(world.staging.documents, {
      databaseVersion: currentVersion(),
      isUpdating: true,
      since: '2026-11-21T09:00:00Z',
    });
    const { status, stderr } = oneway('staging', ['refresh']);
    expect(status).toBe(3);
    expect(stderr).toContain('being updated since 2026-11-21T09:00:00Z');
    expect(stderr).toContain('oneway db');
    await writeVersion(world.staging.documents, { databaseVersion: '0.9.0', isUpdating: false });
    const other = oneway('staging', ['permissions', 'revoke', 'editor']);
    expect([other.status, other.stderr]).toEqual([
      3,
      expect.stringContaining(`at version 0.9.0, this program supports ${currentVersion()}`),
    ]);
  });

  test('S2-56 the flag isUpdating, which closes the databases, can be set and cleared by hand, and commands print who set it and when', () => {
    expect(oneway('staging', ['db', 'updating', '--set']).stdout).toContain('kept out now');
    const shown = oneway('staging', ['db', 'version']);
    expect(shown.stdout).toContain('being updated since');
    const cleared = oneway('staging', ['db', 'updating', '--clear']);
    expect(cleared.stdout).toMatch(/since 20\d\d-.* by .*@/);
    expect(cleared.stdout).toContain('The door is open.');
    expect(oneway('staging', ['db', 'version']).stdout).toContain('They fit.');
  });
});

describe('database migrations that are killed, or that upgrade an old version', () => {
  let fresh: App;
  afterEach(() => fresh.close());

  /** Creates the databases of a new environment, without any table; returns the environment and its settings. */
  async function empty() {
    const name = `m${process.env['VITEST_POOL_ID']}_${Math.random().toString(36).slice(2, 8)}`;
    const variables = await prepareEnvironments(servers(), name, () => '/tmp/oneway-none');
    const here = openApp(settingsOf({ ...variables.staging, LOG_LEVEL: 'silent' }));
    fresh = here;
    return { here, variables: variables.staging };
  }

  const shapeOf = async ({ sql: on }: App) =>
    select<{ line: string }>(
      on,
      sql`select concat(table_name, '.', column_name, ' ', column_type, ' ', is_nullable, ' ', column_key) as line
            from information_schema.columns where table_schema = database()
           order by table_name, ordinal_position`,
    );

  test('a database migration that is killed at any step and run again gives the same schema as one that was never killed', async () => {
    const { here, variables } = await empty();
    await go(here);
    const whole = await shapeOf(here);
    await here.close();
    const other = await empty();
    let kills = 0;
    for (let n = 1; n < 200; n += 1) {
      const order = {
        variables: other.variables,
        task: { do: 'upgrade', patience: 5000 } as const,
      };
      const { ended } = elsewhere({ ...order, at: { point: 'any', times: n, signal: 'SIGKILL' } });
      const { signal, code, said: complaint } = await ended;
      if (signal !== 'SIGKILL') {
        expect([code, complaint]).toEqual([0, '']);
        break;
      }
      kills += 1;
    }
    expect(kills).toBeGreaterThan(3);
    expect(await shapeOf(other.here)).toEqual(whole);
    expect(await readVersion(other.here.documents)).toEqual({
      databaseVersion: currentVersion(),
      isUpdating: false,
    });
    expect(variables['ENVIRONMENT']).toBe('staging');
  });

  const earlier = Object.entries(lastMigrations).filter(
    ([version]) => version !== currentVersion(),
  );

  test.each(earlier)(
    'the upgrade of a database from version %s to the present version keeps all rows',
    async (version, last) => {
      const { here } = await empty();
      const names = (await available()).filter((name) => isUpTo(last, name));
      expect(names.length).toBeLessThan((await available()).length);
      await migrate(here.sql, here.documents, { names });
      await writeVersion(here.documents, { databaseVersion: version, isUpdating: false });
      await here.sql.query(
        "insert into city (id, name, modified_at) values (1, 'Pune', '2026-01-01')",
      );
      await here.sql.query(
        "insert into business (id, name, category, active, priority, modified_at) values (7, 'Café 🪔', 'Health', 1, 5, '2026-01-01')",
      );
      await here.sql.query('insert into business_city (business_id, city_id) values (7, 1)');
      await here.documents
        .collection<{ _id: number; [field: string]: unknown }>('form')
        .insertOne({ _id: 9, name: 'Visit', description: null, modified_at: new Date() });
      await here.sql.query(
        `insert into row_state (entity, row_id, root_entity, root_id, title, hash, version, created_by, created_at, changed_by, changed_at)
       values ('form', 9, 'form', 9, 'Visit', '', 3, 'ana@example.com', '2026-01-01', 'ana@example.com', '2026-01-02')`,
      );
      await here.sql.query(
        `insert into transfer (id, kind, state, fence, lease_until, origin, destination, name, person, role, idempotency_key, plan_hash, chain, relied_on, created_at)
       values ('t', 'transfer', 'verified', 1, '2026-01-01', 'staging', 'preprod', 'Old one', 'ana@example.com', 'product_manager', 'k', '', '[]', '[]', '2026-01-01')`,
      );
      const applied = await go(here);
      expect(applied.length).toBeGreaterThan(0);
      expect(await readOne(here, { entity: 'business', id: 7 })).toMatchObject({
        name: 'Café 🪔',
        cities: [{ city: 'Pune', partner: null }],
      });
      expect(await readOne(here, { entity: 'form', id: 9 })).toMatchObject({ name: 'Visit' });
      const states = await select(here.sql, sql`select version, changed_by from row_state`);
      expect(states).toEqual([{ version: 3, changed_by: 'ana@example.com' }]);
      expect(await select(here.sql, sql`select name, undoes from transfer`)).toEqual([
        { name: 'Old one', undoes: null },
      ]);
      await change(here, { entity: 'form', id: 9 }, { description: 'Still works' });
      expect((await readOne(here, { entity: 'form', id: 9 }))?.['description']).toBe('Still works');
    },
  );
});

test('J-1 a transfer succeeds although the next environment has another database version, if it has every column that the transfer writes', async () => {
  const { staging, preprod } = world;
  await writeVersion(preprod.documents, { databaseVersion: '1.2.0', isUpdating: false });
  const form = { entity: 'form', id: await add(staging, 'form') };
  expect((await transfer(staging, [form])).state).toBe('verified');
});
