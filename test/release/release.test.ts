// The commands `oneway release-check`, `reindex-report` and `revert finish` report what a release or its reversal still
// requires.
import { beforeEach, describe, expect, test } from 'vitest';
import { deletions } from '../support/deleting.ts';
import { releaseChecks } from '../../src/release/checks.ts';
import { openApp } from '../../src/environments/app.ts';
import { json, openTerminal } from '../support/command.ts';
import { hire, password } from '../support/people.ts';
import { add, change, get, has, pm, transfer } from '../support/rows.ts';
import { settingsOf, useWorld } from '../support/world.ts';

const world = useWorld();
let oneway: ReturnType<typeof openTerminal>;
beforeEach(() => {
  oneway = openTerminal(world);
});

type Check = { what: string; isThere: boolean; detail: string };
const complete = {
  ENVIRONMENT_URLS: 'staging=http://localhost:3001',
  INDEXER_URL: 'http://localhost:9/oneway',
  INDEXER_SECRET: 'a secret of the indexer, 32 characters',
};
const checksIn = async (also: Record<string, string> = {}) => {
  const here = openApp(settingsOf(world.variables.staging, also));
  const checks = await releaseChecks(here);
  await here.close();
  return new Map(checks.map((check): [string, Check] => [check.what, check]));
};

describe('S0-74 the command release-check, which checks the prerequisites of a release', () => {
  test('the command release-check lists all missing prerequisites of a release, each with a remedy', async () => {
    await add(world.staging, 'city', { name: 'Pune' });
    await add(world.staging, 'partner', { name: 'TOI Offers' });
    await add(world.staging, 'business', { cities: [{ city: 'Pune', partner: 'TOI Offers' }] });
    await add(world.production, 'form');
    const checks = await checksIn();
    expect(checks.get('Addresses of the servers')?.detail).toContain('ENVIRONMENT_URLS');
    expect(checks.get('Partners match by name')).toMatchObject({
      isThere: false,
      detail: expect.stringContaining('TOI Offers'),
    });
    expect(checks.get('Refreshed from production')?.detail).toContain('oneway refresh');
    expect(checks.get('Production’s rows are here under their ids')?.isThere).toBe(false);
    expect(checks.get('Indexer is notified')?.detail).toContain('INDEXER_URL');
    expect(checks.get('Someone has product_manager')?.detail).toContain('permissions give');
    expect(checks.get('Destination reachable')?.isThere).toBe(true);
    const said = oneway('staging', ['release-check']);
    expect([said.status, said.stdout]).toEqual([4, expect.stringContaining('MISSING')]);
  });

  test('the command release-check passes when all prerequisites of a release are met', async () => {
    await add(world.production, 'form');
    oneway('preprod', ['refresh']);
    expect(oneway('staging', ['refresh']).status).toBe(0);
    for (const role of ['pm', 'ops']) await hire(world.staging, role);
    const checks = await checksIn(complete);
    expect([...checks.values()].filter(({ isThere }) => !isThere)).toEqual([]);
    const said = oneway('staging', ['release-check'], { also: complete });
    expect([said.status, said.stdout]).toEqual([0, expect.stringContaining('Staging is ready.')]);
  });

  test('the command release-check reports if the database of the next environment lacks a column or cannot be reached', async () => {
    await world.preprod.sql.query('alter table banner drop column link');
    const changed = await checksIn(complete);
    await world.preprod.sql.query(
      'alter table banner add column link varchar(300) null after image',
    );
    expect(changed.get('Shape of the destination')?.detail).toContain('column link of banner');
    const away = await checksIn({ ...complete, UNI_DIR_DESTINATION_SQL_DB_PORT: '1' });
    expect(away.get('Destination')).toMatchObject({
      isThere: false,
      detail: expect.stringContaining('cannot be looked at'),
    });
  });
});

describe('S0-70 S0-71 S0-72 the command reindex-report, which lists the ids of rows for the search indexer', () => {
  test('the command reindex-report lists the ids of all rows by entity, and the ids that exist in only one environment', async () => {
    const forms = [await add(world.staging, 'form'), await add(world.staging, 'form')];
    await transfer(world.staging, [{ entity: 'form', id: forms[0] ?? 0 }]);
    const report = json<{ ids: Record<string, number[]>; beside: object[] }>(
      oneway('staging', ['reindex-report', '--json']),
    );
    expect(report.ids['form']).toEqual(forms);
    expect(report.beside).toContainEqual({
      entity: 'form',
      here: 2,
      there: 1,
      onlyHere: [forms[1]],
      onlyThere: [],
    });
    expect(oneway('staging', ['reindex-report']).stdout).toContain(`only here: ${forms[1]}`);
  });

  test('the command reindex-report --since lists the ids of rows that were written or removed since a transfer', async () => {
    const kept = { entity: 'form', id: await add(world.staging, 'form') };
    const gone = { entity: 'form', id: await add(world.staging, 'form') };
    await transfer(world.staging, [kept]);
    const { number } = await transfer(world.staging, [gone]);
    await deletions(world.staging, gone);
    await transfer(world.staging, [gone]);
    const report = oneway('staging', ['reindex-report', '--since', String(number), '--json']);
    expect(json(report)).toEqual({
      environment: 'preprod',
      since: number,
      changed: [{ ...gone, isGone: true }],
    });
  });
});

test('the command reindex-report --since refuses a transfer that wrote nothing', async () => {
  const { staging } = world;
  const form = { entity: 'form', id: await add(staging, 'form') };
  const { number } = await transfer(staging, [form]);
  await world.preprod.sql.query('delete from arrival');
  const said = oneway('staging', ['reindex-report', '--since', String(number)]);
  expect([said.status, said.stderr]).toEqual([1, expect.stringContaining('wrote nothing there')]);
});

describe('S0-75 the command revert finish, which copies edits from production to staging', () => {
  test('the command revert finish lists rows that were edited in production, and copies them to staging through the transfer sheet', async () => {
    const { production, preprod, staging } = world;
    const edited = { entity: 'form', id: await add(production, 'form', { description: 'Old' }) };
    const same = { entity: 'form', id: await add(production, 'form') };
    oneway('preprod', ['refresh']);
    oneway('staging', ['refresh']);
    // A row that was changed only in staging differs from production, too, but must not be listed: it was not edited
    // there.
    await change(staging, same, { description: 'Work under way' });
    expect(json(oneway('staging', ['revert', 'finish', '--dry-run', '--json']))).toEqual([]);
    await change(production, edited, { description: 'Mended in the night' });
    const fresh = { entity: 'form', id: await add(production, 'form', { name: 'Made above' }) };

    const dry = oneway('staging', ['revert', 'finish', '--dry-run', '--json']);
    expect(json<{ key: object }[]>(dry).map(({ key }) => key)).toEqual([edited, fresh]);
    expect(await has(staging, fresh)).toBe(false);
    await hire(staging, 'pm');
    oneway('staging', ['sign-in', '--email', pm.email], { input: password });
    const refused = oneway('staging', ['revert', 'finish', '--yes']);
    const done =
      refused.status === 0
        ? refused
        : oneway('staging', ['revert', 'finish', '--overwrite', '--yes']);
    expect([done.status, done.stderr]).toEqual([0, '']);
    expect(await get(staging, edited)).toMatchObject({ description: 'Mended in the night' });
    expect(await has(staging, fresh)).toBe(true);
    expect(await has(staging, same)).toBe(true);
    const again = oneway('staging', ['revert', 'finish']);
    expect(again.stdout).toBe('Nothing was edited in production that is not in staging.\n');
    expect(await get(preprod, edited)).toMatchObject({ description: 'Old' });
  });

  test('the command revert finish also lists a row that was edited in production and then changed back to an earlier text', async () => {
    const { production, staging } = world;
    const form = { entity: 'form', id: await add(production, 'form', { description: 'Good' }) };
    oneway('preprod', ['refresh']);
    oneway('staging', ['refresh']);
    await change(production, form, { description: 'Bad' });
    oneway('preprod', ['refresh']);
    oneway('staging', ['refresh']);
    await change(production, form, { description: 'Good' });
    const dry = oneway('staging', ['revert', 'finish', '--dry-run', '--json']);
    expect(json<{ key: object }[]>(dry).map(({ key }) => key)).toEqual([form]);
    expect(await get(staging, form)).toMatchObject({ description: 'Bad' });
  });
});
