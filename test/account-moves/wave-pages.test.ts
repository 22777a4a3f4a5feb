// The pages of waves (sets of accounts that are migrated in the background): each action by a person who may take it,
// and by a person who may not.
import { beforeEach, expect, test } from 'vitest';
import * as waves from '../../src/account-moves/waves.ts';
import { run, sql } from '../../src/database/sql.ts';
import type { App } from '../../src/environments/app.ts';
import { byExternalId } from '../../src/inbox/accounts.ts';
import { useMoves } from '../support/moves.ts';
import { textOf, useClient, useSite } from '../support/people.ts';

const world = useMoves();
const site = useSite(world, 'staging');
const mia = useClient(site, 'mia');
const vic = useClient(site, 'vic');
let here: App;
beforeEach(() => {
  here = world.staging;
});

const form = { name: 'North', accounts: 'a-1\r\na-2\r\n\r\n a-3 \r\na-2', atOnce: '2' };
const errorsIn = (html: string) =>
  [...html.matchAll(/id="e-([a-zA-Z]+)"/g)].map((match) => match[1]);
const stateOf = async (id: number) => (await waves.waveOf(here.sql, id))?.state;

async function addWave(also: Partial<typeof form> = {}): Promise<string> {
  const { headers } = await mia.post('/account-moves/waves', { ...form, ...also });
  return headers['location'] ?? '';
}

test('a person adds a migration wave with one account id on each line, and empty lines and repeated ids are left out', async () => {
  expect((await vic.get('/account-moves/waves/new')).status).toBe(403);
  expect((await vic.post('/account-moves/waves', form)).status).toBe(403);
  expect((await mia.get('/account-moves/waves/new')).text).toContain('name="atOnce"');
  const path = await addWave();
  expect(path).toMatch(/^\/account-moves\/waves\/\d+$/);
  const text = textOf((await vic.get(path)).text);
  expect(text).toContain('Wave of 3 accounts, 2 at once');
  expect(text).toContain('Waiting 3');
  expect(text).toContain('0 of 3');
  expect(textOf((await vic.get('/account-moves/waves')).text)).toContain(
    'North Running 0 of 3 None 2',
  );
  expect(textOf((await vic.get('/account-moves')).text)).toContain('North Running');
});

test('the form of a migration wave accepts 100,000 ids of 64 characters, even if each character is sent as three bytes (35)', async () => {
  const ids = Array.from({ length: 100_000 }, (_none, index) => String(index).padStart(64, '@'));
  const path = await addWave({ accounts: ids.join('\r\n') });
  expect(textOf((await vic.get(path)).text)).toContain('Wave of 100,000 accounts');
}, 120_000);

const wrong: [field: string, typed: Partial<typeof form>][] = [
  ['name', { name: ' ' }],
  ['name', { name: 'x'.repeat(101) }],
  ['accounts', { accounts: ' \r\n ' }],
  ['accounts', { accounts: 'a-1\r\na b\r\n<script>' }],
  ['accounts', { accounts: 'a-1,a-2' }],
  ['accounts', { accounts: 'x'.repeat(65) }],
  ['atOnce', { atOnce: '' }],
  ['atOnce', { atOnce: '0' }],
  ['atOnce', { atOnce: '101' }],
  ['atOnce', { atOnce: '1.5' }],
  ['atOnce', { atOnce: 'many' }],
];

test('the form of a new migration wave shows an error beside a wrong field, and keeps everything that was typed', async () => {
  for (const [field, also] of wrong) {
    const typed = { ...form, ...also };
    const answer = await mia.post('/account-moves/waves', typed);
    expect([also, answer.status, errorsIn(answer.text)]).toEqual([also, 422, [field]]);
    const html = answer.text.replaceAll('&lt;', '<').replaceAll('&gt;', '>');
    expect(html).toContain(`value="${typed.name}"`);
    expect(html).toContain(`value="${typed.atOnce}"`);
    expect(html).toContain(`\n${typed.accounts}</textarea>`);
  }
  expect(await waves.listWaves(here.sql)).toEqual([]);
});

test('the form of a new migration wave names the ids that are invalid, and the ids that are already in another wave', async () => {
  const refused = await mia.post('/account-moves/waves', {
    ...form,
    accounts: 'a-1\r\na b\r\nc/d',
  });
  expect(textOf(refused.text)).toContain('“a b”, “c/d”');
  await addWave();
  const taken = await mia.post('/account-moves/waves', { ...form, accounts: 'a-9\r\na-3' });
  expect([taken.status, errorsIn(taken.text)]).toEqual([422, ['accounts']]);
  expect(textOf(taken.text)).toContain('a-3');
  expect(await byExternalId(here.sql, 'a-9')).toBeUndefined();
});

test('a person pauses and resumes a migration wave after a page that asks for confirmation; a viewer may not', async () => {
  const path = await addWave();
  const id = Number(path.split('/').at(-1));
  for (const step of ['pause', 'resumption']) {
    expect((await vic.get(`${path}/${step}`)).status).toBe(403);
    expect((await vic.post(`${path}/${step}`)).status).toBe(403);
  }
  expect((await vic.get(path)).text).not.toContain('/pause"');
  expect((await mia.get(path)).text).toContain(`href="${path}/pause"`);
  expect(textOf((await mia.get(`${path}/pause`)).text)).toContain('Pause “North”?');
  expect(await stateOf(id)).toBe('running');
  expect((await mia.post(`${path}/pause`)).status).toBe(303);
  expect(await stateOf(id)).toBe('paused');
  expect((await mia.post(`${path}/pause`)).status).toBe(409);
  expect((await mia.get(path)).text).toContain(`href="${path}/resumption"`);
  expect(textOf((await mia.get(`${path}/resumption`)).text)).toContain('Resume “North”?');
  expect((await mia.post(`${path}/resumption`)).status).toBe(303);
  expect(await stateOf(id)).toBe('running');
});

test('a completed migration wave can be neither paused nor resumed', async () => {
  const path = await addWave();
  await run(here.sql, sql`update wave set state = 'done', ended_at = utc_timestamp(3)`);
  expect((await mia.get(path)).text).not.toContain('Pause…');
  expect((await mia.get(`${path}/pause`)).status).toBe(409);
  expect((await mia.post(`${path}/pause`)).status).toBe(409);
  expect((await mia.post(`${path}/resumption`)).status).toBe(409);
});

test('the page of an unknown migration wave answers 404', async () => {
  for (const path of ['999', 'x', '999/pause']) {
    expect((await mia.get(`/account-moves/waves/${path}`)).status).toBe(404);
  }
});

test('pages escape the name of a migration wave', async () => {
  const path = await addWave({ name: '<img src=x onerror=alert(1)>' });
  for (const page of [path, `${path}/pause`, '/account-moves/waves', '/account-moves']) {
    expect((await mia.get(page)).text).not.toContain('<img src=x');
  }
});

test('the form of a migration wave accepts 5,000 account ids', async () => {
  const accounts = Array.from({ length: 5000 }, (_none, index) => `customer-account-${index}`);
  const path = await addWave({ accounts: accounts.join('\r\n') });
  expect(textOf((await vic.get(path)).text)).toContain('Wave of 5,000 accounts');
}, 60_000);
