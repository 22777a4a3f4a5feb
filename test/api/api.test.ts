// Tests the API for apps (S0-06): keys, the feed of changed rows, deletions, caching, the OpenAPI document, and an app
// that polls during transfers.
import { afterEach, describe, expect, test } from 'vitest';
import request from 'supertest';
import * as credentials from '../../src/access/credentials.ts';
import * as keys from '../../src/api/keys.ts';
import { catalog, entityNamed } from '../../src/catalog/index.ts';
import * as deletions from '../../src/editing/deletions.ts';
import { failpoints } from '../../src/database/failpoints.ts';
import { routes } from '../../src/routes.ts';
import { openSignIn } from '../../src/people/sign-in.ts';
import { openRedis } from '../../src/environments/redis.ts';
import { textOf, useSite, type Site } from '../support/people.ts';
import { add, change, get, writeContextOf, pm, transfer, undo } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const staging = useSite(world, 'staging');
const preprod = useSite(world, 'preprod');

type Item = { id: number; modified_at: string; deleted: boolean; [field: string]: unknown };
type Page = {
  items: Item[];
  next: { modified_after: string; after: number; href: string };
  more: boolean;
};

const keyFor = (site: Site, scopes: string[] = ['*']) =>
  keys.create(site.here, 'ops@example.com', { name: 'Android app', scopes });
const ask = (site: Site, key: string, path: string) =>
  request(site.app).get(path).set('Authorization', `Bearer ${key}`);
const pageOf = async (site: Site, key: string, path: string) =>
  (await ask(site, key, path)).body as Page;

const remove = (entity: string, id: number) =>
  deletions.remove(writeContextOf(world.staging), pm, entityNamed(entity), id);

describe('API keys of apps', () => {
  test('the API requires a key and serves only the entity types in the scopes of the key', async () => {
    await add(world.staging, 'form');
    const none = await request(staging.app).get('/api/v1/form');
    expect([none.status, none.headers['www-authenticate']]).toEqual([401, 'Bearer']);
    expect((await ask(staging, 'ow_wrong', '/api/v1/form')).status).toBe(401);
    expect((await ask(staging, 'ow_wrong', '/api/v1/form')).headers['www-authenticate']).toBe(
      'Bearer error="invalid_token"',
    );
    const forms = await keyFor(staging, ['form']);
    expect((await ask(staging, forms, '/api/v1/form')).status).toBe(200);
    const refused = await ask(staging, forms, '/api/v1/task');
    expect([refused.status, refused.headers['www-authenticate']]).toEqual([
      403,
      'Bearer error="insufficient_scope", scope="catalog:task"',
    ]);
    expect(refused.body).toEqual({
      error: { status: 403, message: expect.stringContaining('catalog:task') },
    });
  });

  test('an app can read images only when the scopes of its API key include an entity whose rows have images (C9)', async () => {
    const name = `${'0'.repeat(64)}.png`;
    const status = async (scopes: string[]) =>
      (await ask(staging, await keyFor(staging, scopes), `/api/v1/objects/${name}`)).status;
    expect(await status(['city', 'secrets:external_tool'])).toBe(403);
    const withImages = catalog.find(({ fields }) =>
      Object.values(fields).some(({ kind }) => kind === 'image'),
    );
    expect(await status([withImages?.name ?? ''])).toBe(404);
    expect(await status(['*'])).toBe(404);
  });

  test('an API key is shown once, stored as a hash, and valid until it is revoked', async () => {
    const ops = await staging.as('ops');
    const wrong = await ops.post('/api-keys', { name: '' });
    expect([wrong.status, textOf(wrong.text)]).toEqual([
      422,
      expect.stringContaining('Choose what it may read'),
    ]);
    await ops.post('/api-keys', { name: 'Android <b>app</b>', scopes: ['form', 'task'] });
    const shown = await ops.get('/api-keys');
    const [key = ''] = /(?<=>)ow_[\w-]{20,}/.exec(shown.text) ?? [];
    expect(key).not.toBe('');
    expect(shown.text).not.toContain('<b>app');
    expect((await ops.get('/api-keys')).text).not.toContain(key);
    const [lines] = await world.staging.sql.query('select * from credential_key');
    expect(JSON.stringify(lines)).not.toContain(key);
    expect((await ask(staging, key, '/api/v1/form')).status).toBe(200);
    const [own] = await credentials.list(world.staging.sql);
    expect(own?.keys[0]?.used_at).not.toBeNull();
    await ops.post(`/api-keys/${own?.id}/keys/${own?.keys[0]?.id}/revocation`);
    expect((await ask(staging, key, '/api/v1/form')).status).toBe(401);
  });

  test('after an administrator rotates an API key on a page, both keys can read until the old key is revoked', async () => {
    const former = await keyFor(staging, ['form']);
    const ops = await staging.as('ops');
    const [own] = await credentials.list(world.staging.sql);
    const { status } = await ops.post(`/api-keys/${own?.id}/rotation`, {
      graceDays: '7',
      seen: String(own?.keys[0]?.id),
    });
    expect(status).toBe(303);
    const shown = await ops.get('/api-keys');
    const [next = ''] = /(?<=>)ow_[\w-]{20,}/.exec(shown.text) ?? [];
    expect(textOf(shown.text)).toContain('Valid until');
    for (const key of [former, next]) {
      expect((await ask(staging, key, '/api/v1/form')).status).toBe(200);
    }
    expect((await ops.post(`/api-keys/${own?.id}/rotation`, {})).status).toBe(409);
    const [, first] = (await credentials.list(world.staging.sql))[0]?.keys ?? [];
    await ops.post(`/api-keys/${own?.id}/keys/${first?.id}/revocation`);
    expect((await ask(staging, former, '/api/v1/form')).status).toBe(401);
    expect((await ask(staging, next, '/api/v1/form')).status).toBe(200);
    const page = textOf((await ops.get('/api-keys')).text);
    expect(page).toContain('Revoked by ops ');
  });

  test('an API key works until the end of the day chosen as its expiry', async () => {
    const ops = await staging.as('ops');
    const wanted = { name: 'Android app', scopes: ['*'], expiresAt: '2099-12-31' };
    await ops.post('/api-keys', wanted);
    const [own] = await credentials.list(world.staging.sql);
    expect(own?.keys[0]).toMatchObject({
      state: 'expiring',
      expires_at: '2099-12-31 23:59:59.999',
    });
    const past = await ops.post('/api-keys', { ...wanted, expiresAt: '2020-01-01' });
    expect([past.status, /id="e-expiresAt"/.test(past.text)]).toEqual([422, true]);
  });

  test('too many wrong API keys from one IP address are answered with 429, but a valid key from this IP address still works', async () => {
    const key = await keyFor(staging);
    const statuses = new Set<number>();
    for (let count = 0; count < 101; count += 1) {
      statuses.add((await ask(staging, `ow_wrong${count}`, '/api/v1/form')).status);
    }
    expect([...statuses]).toEqual([401, 429]);
    expect((await ask(staging, key, '/api/v1/form')).status).toBe(200);
  });
});

describe('pages of the feed that the API serves to apps', () => {
  test('the pages of the API’s feed are ordered by (modified_at, id) and contain every row once, even with equal timestamps', async () => {
    const ids = [];
    for (let number = 0; number < 7; number += 1) ids.push(await add(world.staging, 'form'));
    // One transfer writes seven rows in the same or successive milliseconds.
    await transfer(
      world.staging,
      ids.map((id) => ({ entity: 'form', id })),
    );
    const key = await keyFor(preprod);
    const seen: Item[] = [];
    let path = '/api/v1/form?limit=3';
    for (let page: Page; ; path = page.next.href) {
      page = await pageOf(preprod, key, path);
      seen.push(...page.items);
      if (!page.more) break;
    }
    expect(seen.map(({ id }) => id).toSorted((a, b) => a - b)).toEqual(ids);
    const order = seen.map(({ modified_at: at, id }) => `${at} ${String(id).padStart(12, '0')}`);
    expect(order).toEqual(order.toSorted());
  });

  test('when MySQL rows of the same millisecond are on two pages of the API’s feed, no row is missing and none is repeated', async () => {
    const business = await add(world.staging, 'business');
    const ids = [];
    for (let number = 0; number < 5; number += 1)
      ids.push(await add(world.staging, 'task', { business }));
    await transfer(
      world.staging,
      ids.map((id) => ({ entity: 'task', id })),
    );
    const key = await keyFor(preprod);
    const first = await pageOf(preprod, key, '/api/v1/task?limit=2');
    const instant = first.items[0]?.modified_at;
    expect(first.next).toMatchObject({ modified_after: instant, after: ids[1] });
    const second = await pageOf(preprod, key, first.next.href);
    expect(second.items.map(({ id }) => id)).toEqual([ids[2], ids[3]]);
    const known = await pageOf(preprod, key, `/api/v1/task?modified_after=${instant}`);
    expect(known).toMatchObject({ items: [], more: false, next: { modified_after: instant } });
  });

  test('a page of the API’s feed of rows has at most 4 MB, and the next page continues after its last row (B7)', async () => {
    const { staging: here } = world;
    const form = await add(here, 'form');
    const fields: number[] = [];
    for (let n = 0; n < 5; n += 1) fields.push(await add(here, 'form_field', { form }));
    // The test writes long lists directly into the database, as another program or an older version
    // of Oneway may have done without the present limit for lists.
    const options = Array.from({ length: 15_000 }, (_, n) => `${n}${'x'.repeat(100)}`);
    await here.documents.collection('form_field').updateMany({}, { $set: { options } });
    const key = await keyFor(staging, ['form_field']);
    const sizes: number[] = [];
    const ids: number[] = [];
    let path = '/api/v1/form_field?limit=1000';
    for (let more = true; more;) {
      const page = await pageOf(staging, key, path);
      sizes.push(page.items.length);
      ids.push(...page.items.map(({ id }) => id));
      [path, more] = [page.next.href, page.more];
    }
    expect(sizes).toEqual([2, 2, 1]);
    expect(ids).toEqual(fields);
  });

  test('the API lists a deleted row as a deletion, and as a row again after the undo of its transfer has restored it', async () => {
    const form = await add(world.staging, 'form');
    const key = await keyFor(preprod);
    await transfer(world.staging, [{ entity: 'form', id: form }]);
    const { next } = await pageOf(preprod, key, '/api/v1/form');
    await remove('form', form);
    const gone = await transfer(world.staging, [{ entity: 'form', id: form }], {});
    const after = await pageOf(preprod, key, next.href);
    expect(after.items).toEqual([
      { id: form, deleted: true, modified_at: expect.stringMatching(/Z$/) },
    ]);
    expect((await ask(preprod, key, `/api/v1/form/${form}`)).status).toBe(410);
    await undo(world.staging, gone);
    const again = await pageOf(preprod, key, after.next.href);
    expect(again.items).toMatchObject([{ id: form, deleted: false }]);
    expect((await ask(preprod, key, `/api/v1/form/${form}`)).status).toBe(200);
  });

  test('an API row contains its linked cities by name, its references as ids, and its environment-specific fields', async () => {
    await add(world.staging, 'city', { name: 'Zürich' });
    const business = await add(world.staging, 'business', {
      name: 'Café “Übermut” 🪔',
      cities: [{ city: 'Zürich', partner: null }],
    });
    const tool = await add(world.staging, 'external_tool', {
      business,
      endpoint: 'https://tools.example.com',
    });
    const key = await keyFor(staging);
    expect((await ask(staging, key, `/api/v1/business/${business}`)).body).toMatchObject({
      id: business,
      name: 'Café “Übermut” 🪔',
      deleted: false,
      cities: [{ city: 'Zürich', partner: null }],
    });
    const { body } = await ask(staging, key, `/api/v1/external_tool/${tool}`);
    expect(body).toMatchObject({ business, endpoint: 'https://tools.example.com' });
  });

  test.each([
    ['limit=0', 'limit must be from 1 to 1000'],
    ['limit=x', 'limit must be a whole number'],
    ['modified_after=yesterday', 'modified_after must be an instant such as'],
    ['modified_after=2026-01-01T00:00:00Z&after=-1', 'after must be a whole number'],
    ['modifiedafter=12', 'modifiedafter'],
    ['modified_after=2026-01-01T00:00:00Z&modified_after=2026-01-01T00:00:00Z', 'modified_after'],
  ])('the API refuses the query “%s” and names the wrong parameter', async (query, message) => {
    const key = await keyFor(staging);
    const answer = await ask(staging, key, `/api/v1/task?${query}`);
    expect(answer.status).toBe(422);
    expect(JSON.stringify(answer.body)).toContain(message);
  });

  test('the API answers 304 to an ETag that is still current, compresses large answers, and refuses POST requests with 405', async () => {
    for (let number = 0; number < 12; number += 1)
      await add(world.staging, 'form', { description: 'A long text. '.repeat(20) });
    const key = await keyFor(staging);
    const first = await ask(staging, key, '/api/v1/form').set('Accept-Encoding', 'gzip');
    expect(first.headers['content-encoding']).toBe('gzip');
    const etag = String(first.headers['etag']);
    const again = await ask(staging, key, '/api/v1/form').set('If-None-Match', etag);
    expect([again.status, again.text]).toEqual([304, '']);
    await add(world.staging, 'form');
    const changed = await ask(staging, key, '/api/v1/form').set('If-None-Match', etag);
    expect(changed.status).toBe(200);
    const post = await request(staging.app)
      .post('/api/v1/form')
      .set('Authorization', `Bearer ${key}`);
    expect([post.status, post.headers['allow']]).toEqual([405, 'GET, HEAD']);
  });
});

test('the OpenAPI document lists exactly the URLs of the API', async () => {
  const { body } = await request(staging.app).get('/api/v1/openapi.json');
  const document = body as { openapi: string; paths: Record<string, object> };
  expect(document.openapi).toBe('3.1.0');
  const redis = await openRedis(world.staging);
  const own = routes(openSignIn(world.staging, redis))
    .filter(({ path }) => path.startsWith('/api/v1/') && path !== '/api/v1/openapi.json')
    .flatMap(({ path }) =>
      path.includes(':entity') ? catalog.map(({ name }) => path.replace(':entity', name)) : [path],
    )
    .map((path) => path.replaceAll(/:(\w+)/g, '{$1}'));
  redis.destroy();
  expect(Object.keys(document.paths).toSorted()).toEqual([...new Set(own)].toSorted());
  const vic = await staging.as('vic');
  expect(textOf((await vic.get('/api-docs')).text)).toContain('GET /api/v1/task');
});

/**
 * Simulates an app: polls the API, stores the received rows, and records each task whose form is
 * missing.
 */
async function follow(site: Site, key: string, isOn: () => boolean) {
  const known = { task: new Map<number, Item>(), form: new Map<number, Item>() };
  const at = { task: '/api/v1/task?limit=5', form: '/api/v1/form?limit=5' };
  const orphans: string[] = [];
  let polls = 0;
  const round = async () => {
    // The app polls tasks before forms: the documentation advises to poll an entity before the
    // entities that it refers to.
    for (const name of ['task', 'form'] as const) {
      for (;;) {
        const page = await pageOf(site, key, at[name]);
        for (const item of page.items) {
          const former = known[name].get(item.id);
          if (!former || former.modified_at <= item.modified_at) known[name].set(item.id, item);
        }
        at[name] = page.next.href;
        polls += 1;
        if (!page.more) break;
      }
    }
    for (const task of known.task.values()) {
      const form = known.form.get(Number(task['form']));
      if (!task.deleted && (!form || form.deleted)) orphans.push(`task ${task.id}`);
    }
  };
  while (isOn()) await round();
  await round();
  return { known, orphans, polls };
}

test('S0-06 an app that polls the API while rows are transferred, edited, deleted and restored misses no change and sees no task without its form', async () => {
  const { staging: here, preprod: there } = world;
  const key = await keyFor(preprod);
  let isOn = true;
  const reading = follow(preprod, key, () => isOn);
  const business = await add(here, 'business');
  for (let round = 0; round < 12; round += 1) {
    const form = await add(here, 'form');
    const tasks = [];
    for (let number = 0; number < 3; number += 1)
      tasks.push(await add(here, 'task', { business, form, title: `Round ${round}.${number}` }));
    const rows = tasks.map((id) => ({ entity: 'task', id }));
    const sent = await transfer(here, rows);
    await change(here, { entity: 'form', id: form }, { description: `Round ${round}` });
    await transfer(here, [{ entity: 'form', id: form }]);
    if (round % 3 === 1) {
      await remove('task', tasks[0] ?? 0);
      await transfer(here, [{ entity: 'task', id: tasks[0] ?? 0 }]);
    }
    if (round % 3 === 2) {
      const last = await add(here, 'task', { business, form });
      await undo(here, await transfer(here, [{ entity: 'task', id: last }]));
    }
    expect(sent.state).toBe('verified');
  }
  isOn = false;
  const { known, orphans, polls } = await reading;
  expect(orphans).toEqual([]);
  expect(polls).toBeGreaterThan(20);
  for (const name of ['task', 'form'] as const) {
    const { find } = await import('../../src/rows/store.ts');
    const { rows } = await find(there, entityNamed(name), {
      search: '',
      filters: {},
      sort: { field: 'id', descending: false },
      limit: 1000,
      offset: 0,
    });
    const alive = [...known[name].values()].filter(({ deleted }) => !deleted);
    expect(alive.map(({ id }) => id).toSorted((a, b) => a - b)).toEqual(rows.map(({ id }) => id));
    for (const row of rows) expect(known[name].get(row.id)).toEqual({ ...row, deleted: false });
  }
  expect((await get(there, { entity: 'business', id: business })).id).toBe(business);
}, 120_000);

describe('rows that are written while an app reads a page of the API’s feed', () => {
  afterEach(() => {
    failpoints.reached = () => {};
  });

  /** Runs `work` once, right after the MongoDB documents for a page of the feed were read. */
  function meanwhile(act: () => Promise<unknown>) {
    let isDone = false;
    failpoints.reached = async (name) => {
      if (name !== 'feed documents' || isDone) return;
      isDone = true;
      await act();
    };
  }

  test('a row that changes while an app reads a page of the API’s feed reaches the app, even if the page has a later deletion', async () => {
    const { staging: here } = world;
    const gone = await add(here, 'form');
    const changed = { entity: 'form', id: await add(here, 'form') };
    const key = await keyFor(staging);
    const { next } = await pageOf(staging, key, '/api/v1/form');
    await add(here, 'form');
    meanwhile(async () => {
      await change(here, changed, { description: 'Newer' });
      await remove('form', gone);
    });
    const first = await pageOf(staging, key, next.href);
    const second = await pageOf(staging, key, first.next.href);
    const items = [...first.items, ...second.items];
    expect(items).toContainEqual(expect.objectContaining({ id: gone, deleted: true }));
    expect(items).toContainEqual(expect.objectContaining({ id: changed.id, description: 'Newer' }));
    // The feed ends: after the third page comes an empty page.
    const third = await pageOf(staging, key, second.next.href);
    expect(await pageOf(staging, key, third.next.href)).toMatchObject({ items: [], more: false });
  });

  test('an app that polls the API during a large transfer receives all MongoDB documents of the transfer in one pass over the feed', async () => {
    const { staging: here } = world;
    const ids = [];
    for (let number = 0; number < 12; number += 1) ids.push(await add(here, 'form'));
    await transfer(
      here,
      ids.map((id) => ({ entity: 'form', id })),
    );
    for (const id of ids) await change(here, { entity: 'form', id }, { description: 'Newer' });
    const key = await keyFor(preprod);
    const round = async (path: string) => {
      const seen = new Set<number>();
      for (let next = path; ;) {
        const page = await pageOf(preprod, key, next);
        for (const { id } of page.items) seen.add(id);
        next = page.next.href;
        if (!page.more) return { seen, next };
      }
    };
    let read: Promise<Awaited<ReturnType<typeof round>>> | undefined;
    failpoints.reached = async (name) => {
      if (name !== 'before commit' || read) return;
      // At this step the transfer has written all its MongoDB documents, but can still be rolled back.
      read = round('/api/v1/form?limit=5');
      await read;
    };
    await transfer(
      here,
      ids.map((id) => ({ entity: 'form', id })),
    );
    failpoints.reached = () => {};
    const early = await read;
    expect([...(early?.seen ?? [])].toSorted((a, b) => a - b)).toEqual(ids);
    // The first pass ran during the transfer, so its last `next` link goes back to a time before
    // the transfer. The second pass therefore delivers all rows again, and the third pass delivers
    // none.
    const again = await round(early?.next ?? '');
    expect(again.seen.size).toBe(12);
    expect((await round(again.next)).seen.size).toBe(0);
  });

  test('after a rollback removed a new row, the API reports the row as deleted, because an app may have read it before the rollback', async () => {
    const { staging: here } = world;
    const kept = { entity: 'form', id: await add(here, 'form', { description: 'Old' }) };
    await transfer(here, [kept]);
    await change(here, kept, { description: 'Refused later' });
    const made = { entity: 'form', id: await add(here, 'form') };
    const key = await keyFor(preprod);
    const known = await pageOf(preprod, key, '/api/v1/form');
    let early: Page | undefined;
    failpoints.reached = async (name) => {
      if (name !== 'before commit') return;
      failpoints.reached = () => {};
      early = await pageOf(preprod, key, known.next.href);
      throw Object.assign(new Error('refused'), { sqlMessage: 'refused', code: 'ER_TEST' });
    };
    expect((await transfer(here, [kept, made])).state).toBe('rolled_back');
    expect(early?.items).toContainEqual(expect.objectContaining({ description: 'Refused later' }));
    const { items } = await pageOf(preprod, key, early?.next.href ?? '');
    expect(items.findLast(({ id }) => id === kept.id)).toMatchObject({ description: 'Old' });
    expect(items.findLast(({ id }) => id === made.id)).toMatchObject({ deleted: true });
  });
});
