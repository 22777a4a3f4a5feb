// Tests secrets (B3): a user types the key of an external tool, no page shows it, and it is encrypted wherever it is
// stored.
import { beforeEach, describe, expect, test } from 'vitest';
import { openedSecrets, sealAgain } from '../../src/access/secret-fields.ts';
import { catalog, entityNamed } from '../../src/catalog/index.ts';
import * as keys from '../../src/api/keys.ts';
import { openApp, type App } from '../../src/environments/app.ts';
import request from 'supertest';
import { textOf, useClient, useSite } from '../support/people.ts';
import { add, change, get, has, transfer, undo, version } from '../support/rows.ts';
import { withSealedSecrets } from '../../src/web/saved-secrets.ts';
import { fieldsOn } from '../support/shown-form.ts';
import { settingsOf, useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');
const pm = useClient(site, 'pm');
const vic = useClient(site, 'vic');
const KEY = 'SECRET-KEY-123';
const entity = entityNamed('external_tool');

let business: number;
let id: number;
const row = () => ({ entity: 'external_tool', id });
const address = () => `/catalog/external_tool/${id}`;

beforeEach(async () => {
  business = await add(world.staging, 'business');
  await pm.post('/catalog/external_tool', { ...typed(), key: KEY });
  const [[line]] = (await world.staging.sql.query('select id from external_tool')) as never as [
    [{ id: number }],
  ];
  id = line.id;
});

const typed = () => ({ business: `#${business}`, name: 'Calendar', endpoint: '', active: 'yes' });
const clear = async (here: App, one = id) =>
  (await openedSecrets(here, entity, [one])).get(one)?.['key'];
const stored = async (here: App) => {
  const [lines] = await here.sql.query('select `key` from external_tool where id = ?', [id]);
  return (lines as { key: string | null }[])[0]?.key;
};

const selectionOf = async () => {
  const { headers } = await pm.post('/selections', { rows: [`business:${business}`] });
  return headers['location'] ?? '';
};

/** Returns all values in every table of an environment, as one text. */
async function everything(here: App): Promise<string> {
  const [tables] = await here.sql.query(
    "select table_name as name from information_schema.tables where table_schema = database() and table_type = 'BASE TABLE'",
  );
  const all = await Promise.all(
    (tables as { name: string }[]).map(({ name }) => here.sql.query(`select * from \`${name}\``)),
  );
  return JSON.stringify(all.map(([rows]) => rows));
}

test('a secret appears in clear text on no page, in no table and in no answer of the API (B3)', async () => {
  await pm.post(address(), { ...typed(), name: 'Renamed', version: 1 });
  await transfer(world.staging, [{ entity: 'business', id: business }]);
  expect(await clear(world.staging)).toBe(KEY);
  const arrivals = await vic.get(`${address()}/history`);
  const [, moment] = /history\/(\d+)/.exec(arrivals.text) ?? [];
  const pages = [address(), `${address()}/history`, `${address()}/history/${moment}`, '/changes'];
  for (const client of [pm, vic]) {
    for (const path of [...pages, `/catalog/business/${business}`, '/audit']) {
      const page = await client.get(path);
      expect([path, page.status]).toEqual([path, 200]);
      expect(page.text).not.toContain(KEY);
      expect(page.text).not.toContain('sealed.1');
    }
  }
  expect(textOf((await vic.get(address())).text)).toMatch(/Set since \d+ \w+ 2026/);
  for (const here of [world.staging, world.preprod]) {
    expect(await everything(here)).not.toContain(KEY);
  }
});

describe('saving a form with a secret field (B3)', () => {
  const save = async (also: object) =>
    pm.post(address(), { ...typed(), version: await version(world.staging, row()), ...also });

  test('saving a form keeps a secret for which nothing was typed, and replaces or removes the secret on request (B3)', async () => {
    const before = await stored(world.staging);
    await save({ key: '', name: 'Renamed' });
    expect(await stored(world.staging)).toBe(before);
    await save({ key: KEY, name: 'Renamed' });
    expect(await stored(world.staging)).toBe(before);
    await save({ key: 'another' });
    expect(await clear(world.staging)).toBe('another');
    await save({ key: '', key_removed: 'yes' });
    expect(await stored(world.staging)).toBeNull();
  });

  test('a typed secret is kept, but not shown, when another field of the form is wrong (B3)', async () => {
    const wrong = await save({ name: '', key: 'typed once' });
    expect(wrong.status).toBe(422);
    expect(wrong.text).not.toContain('typed once');
    const [, sealed = ''] = /name="key_typed" value="([^"]+)"/.exec(wrong.text) ?? [];
    await save({ key: '', key_typed: sealed });
    expect(await clear(world.staging)).toBe('typed once');
  });

  test('a typed secret is saved together with another user’s change to a different field (B3)', async () => {
    const opened = await version(world.staging, row());
    await save({ key: '', name: 'Renamed' });
    const mine = await pm.post(address(), { ...typed(), version: opened, key: 'new one' });
    expect(mine.status).toBe(303);
    expect(await clear(world.staging)).toBe('new one');
    expect((await get(world.staging, row()))['name']).toBe('Renamed');
  });

  test('when two users type a new secret at the same time, the second user gets an edit conflict that shows neither secret (B3)', async () => {
    const opened = await version(world.staging, row());
    await save({ key: 'theirs-1' });
    const mine = await pm.post(address(), { ...typed(), version: opened, key: 'mine-1' });
    expect(mine.status).toBe(409);
    expect(mine.text).not.toMatch(/theirs-1|mine-1/);
    const [, payload = ''] = /name="payload" value="([^"]+)"/.exec(mine.text) ?? [];
    const decoded = payload.replaceAll('&#34;', '"').replaceAll('&amp;', '&');
    await pm.post(`${address()}/resolution`, { payload: decoded, choice_key: 'mine' });
    expect(await clear(world.staging)).toBe('mine-1');
  });

  test('saving a typed secret is refused with an explanation while the setting CREDENTIALS_KEY is missing (B3)', async () => {
    const { CREDENTIALS_KEY: _key, ...without } = world.variables.staging;
    const here = openApp(settingsOf(without));
    await here.sql.query('delete from sealing_key');
    await expect(add(here, 'external_tool', { business, key: KEY })).rejects.toMatchObject({
      fields: { key: expect.stringContaining('CREDENTIALS_KEY') },
    });
    await here.close();
  });
});

describe('setting a secret at the destination of a transfer (B3)', () => {
  const keyThere = () => clear(world.preprod);

  test('a secret typed on the transfer sheet is encrypted for the destination, and can be decrypted only there (B3)', async () => {
    const sheet = await selectionOf();
    await pm.post(`${sheet}/choices`, { [`local[external_tool:${id}][key]`]: 'there-1' });
    const shown = await pm.get(sheet);
    expect(shown.text).not.toContain('there-1');
    expect(textOf(shown.text)).toContain('A value is set for this transfer');
    expect(await everything(world.staging)).not.toContain('there-1');
    const plan = /name="plan" value="([^"]+)"/.exec(shown.text)?.[1];
    const key = /name="idempotency_key" value="([^"]+)"/.exec(shown.text)?.[1];
    const selection = sheet.split('/').at(-1);
    const sent = await pm.post('/transfers', {
      selection,
      plan,
      idempotency_key: key,
      shown: `external_tool:${id} business:${business}`,
      [`local[external_tool:${id}][key]`]: '',
    });
    expect([sent.status, textOf(sent.text)]).toEqual([303, expect.anything()]);
    expect(await keyThere()).toBe('there-1');
    expect(
      (
        await openedSecrets(
          { ...world.preprod, credentialsKeys: world.staging.credentialsKeys },
          entity,
          [id],
        )
      ).get(id),
    ).toEqual({});
    expect(await everything(world.preprod)).not.toContain('there-1');
  });

  test('a transfer and its undo keep the secret of the destination (B3)', async () => {
    await transfer(world.staging, [{ entity: 'business', id: business }]);
    const there = await get(world.preprod, row());
    expect(there['key']).toBeNull();
    await world.preprod.sql.query('update external_tool set `key` = ?', [
      await stored(world.staging),
    ]);
    await change(world.staging, row(), { name: 'Renamed' });
    const sent = await transfer(world.staging, [{ entity: 'business', id: business }]);
    await undo(world.staging, sent);
    expect((await get(world.preprod, row()))['name']).toBe('Calendar');
    expect(await stored(world.preprod)).toBe(await stored(world.staging));
  });
});

describe('handling a secret that another program stored in clear text (B3)', () => {
  beforeEach(async () => {
    await world.staging.sql.query('update external_tool set `key` = ?', [KEY]);
  });

  test('a secret that another program stored in clear text is masked on pages and stays unchanged when the row is saved (B3)', async () => {
    await change(world.staging, row(), { name: 'Renamed' });
    expect(await stored(world.staging)).toBe(KEY);
    expect((await vic.get(address())).text).not.toContain(KEY);
    await world.staging.sql.query('update external_tool set `key` = null');
    expect(await everything(world.staging)).not.toContain(KEY);
  });

  test('encrypting a secret that was stored in clear text does not change the modified_at of its row (B3)', async () => {
    const { credentialsKeys } = world.staging;
    const before = await get(world.staging, row());
    const first = await sealAgain(world.staging.sql, credentialsKeys as never, catalog);
    expect(first).toEqual({ sealed: 1, unreadable: [] });
    expect(await stored(world.staging)).toMatch(/^sealed\.1/);
    expect(await clear(world.staging)).toBe(KEY);
    expect((await get(world.staging, row())).modified_at).toBe(before.modified_at);
    const again = await sealAgain(world.staging.sql, credentialsKeys as never, catalog);
    expect(again).toEqual({ sealed: 0, unreadable: [] });
    expect(await has(world.staging, row())).toBe(true);
  });
});

describe('reading secrets through the API (B3)', () => {
  const ask = async (scopes: string[]) => {
    const key = await keys.create(site.here, 'ops@example.com', { name: 'App', scopes });
    const read = (path: string) =>
      request(site.app).get(`/api/v1/external_tool${path}`).set('Authorization', `Bearer ${key}`);
    const [list, one] = [await read(''), await read(`/${id}`)];
    return [list.body.items[0], one.body] as Record<string, unknown>[];
  };

  test('the API returns secrets only to a key with the scope for secrets, not to a key that reads everything (B3)', async () => {
    for (const item of await ask(['*'])) {
      expect(item).toMatchObject({ id, name: 'Calendar' });
      expect(Object.keys(item)).not.toContain('key');
    }
    for (const item of await ask(['external_tool', 'secrets:external_tool'])) {
      expect(item).toMatchObject({ id, key: KEY });
    }
  });
});

test('Oneway encrypts the secret in a form that is posted after the session ended, and stores the secret when the user sends the form again (B3)', async () => {
  const { saved, unsealed } = await withSealedSecrets(world.staging, address(), [
    ['name', 'Calendar'],
    ['key', 'typed signed out'],
  ]);
  expect(JSON.stringify(saved)).not.toContain('signed out');
  expect(unsealed).toEqual([]);
  const sealed = saved[1]?.[1];
  await pm.post(address(), {
    ...typed(),
    key: sealed,
    version: await version(world.staging, row()),
  });
  expect(await clear(world.staging)).toBe('typed signed out');
});

test('Oneway encrypts the secrets of dependent rows in a form that is posted after the session ended (B3)', async () => {
  const { saved, unsealed } = await withSealedSecrets(
    world.staging,
    `/catalog/business/${business}`,
    [
      [`external_tool.${id}.key`, 'typed in its parent'],
      ['external_tool.n1.key', 'typed for a new one'],
    ],
  );
  expect(saved.map(([name]) => name)).toEqual([`external_tool.${id}.key`, 'external_tool.n1.key']);
  expect(JSON.stringify(saved)).not.toContain('typed');
  expect(unsealed).toEqual([]);
});

test('Oneway encrypts a secret for the destination if it was typed on a transfer sheet that is posted after the session ended (B3, F15)', async () => {
  const sheet = await selectionOf();
  const field = `local[external_tool:${id}][key]`;
  const path = `${sheet}/choices`;
  const { saved, unsealed } = await withSealedSecrets(world.staging, path, [
    [field, ' for there '],
  ]);
  expect([saved.map(([name]) => name), unsealed]).toEqual([[field], []]);
  expect(JSON.stringify(saved)).not.toContain('for there');
  const fields = async () => fieldsOn((await pm.get(sheet)).text, 'id="sheet"');
  await pm.post(path, { ...(await fields()), [field]: saved[0]?.[1] });
  expect((await pm.post('/transfers', await fields())).status).toBe(303);
  expect(await clear(world.preprod)).toBe('for there');
});

test('Oneway leaves a secret that it cannot encrypt out of a form saved after the session ended, and names the field (B3, F15)', async () => {
  const field = `local[external_tool:${id}][key]`;
  const nowhere = { ...world.staging, destination: null };
  expect(await withSealedSecrets(nowhere, '/selections/1/choices', [[field, 'x']])).toEqual({
    saved: [],
    unsealed: [field],
  });
});
