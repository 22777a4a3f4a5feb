// Tests that malformed requests are refused or ignored, and never cause a server error.
import { expect, test } from 'vitest';
import { run, sql } from '../../src/database/sql.ts';
import { parseKeys } from '../../src/sheet/posted-keys.ts';
import { addTo } from '../../src/sheet/shared-selections.ts';
import { numberOrNull } from '../../src/web/request.ts';
import { refusalsOn, textOf, useClient, useSite } from '../support/people.ts';
import { add, get, sheet } from '../support/rows.ts';
import { inParts } from '../support/requests.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');
const pm = useClient(site, 'pm');
const ops = useClient(site, 'ops');

const openedSheet = async () => {
  const form = await add(world.staging, 'form');
  return (await sheet(world.staging, [{ entity: 'form', id: form }])).selection.id;
};

test.each([
  { 'include[toString]': 'x' },
  { 'include[a]': 'x' },
  { 'local[a]': 'x' },
  { 'local[__proto__][x]': 'x' },
  { keep: '__proto__/x' },
  { keep: 'constructor/x' },
  { again: '__proto__' },
  { create: 'toString:x' },
])(
  'a malformed post (%j) to a transfer sheet is refused or ignored, and the sheet can still be opened (B6.1, B6.5)',
  async (choice) => {
    const id = await openedSheet();
    const { status } = await pm.post(`/selections/${id}/choices`, choice);
    expect([303, 422]).toContain(status);
    expect((await pm.get(`/selections/${id}`)).status).toBe(200);
  },
);

test('a form field posted as a part of an object (title[a]) counts as empty, in URL-encoded and multipart forms (B6.2)', async () => {
  for (const name of ['title[toString]', 'title[a]', 'cities[0][city][x]', 'cities[x][city]']) {
    const answer = await pm.post('/catalog/task', { [name]: 'x' });
    expect([name, answer.status]).toEqual([name, 422]);
    const parts = inParts([
      ['csrf', await pm.token()],
      [name, 'x'],
    ]);
    const again = await pm.postRaw('/catalog/task', 'multipart/form-data; boundary=x-x-x', parts);
    expect([name, again.status]).toEqual([name, 422]);
  }
});

test('permissions posted twice or as a part of an object (permissions[a]) cause no server error (B6.3, B6.4)', async () => {
  const shapes = [
    'permissions=editor&permissions=editor',
    'permissions[a]=x',
    'permissions[toString]=x',
  ];
  for (const [index, shape] of shapes.entries()) {
    const body = `csrf=${await ops.token()}&name=Lee&email=lee${index}@example.com&password=correct+horse+battery`;
    const added = await ops.postRaw('/people', 'application/x-www-form-urlencoded', body);
    const answer = await ops.postRaw(
      `${added.headers['location']}/permissions`,
      'application/x-www-form-urlencoded',
      `csrf=${await ops.token()}&shown=&${shape}`,
    );
    expect([shape, answer.status]).toEqual([shape, 303]);
  }
});

test.each(['x'.repeat(65), 'one key', '😀'])(
  'an idempotency key that is no UUID (%j) is refused, and the typed values are kept (B6.6)',
  async (key) => {
    const answer = await pm.post('/catalog/form', { name: 'Typed', idempotency_key: key });
    expect(answer.status).toBe(422);
    expect(answer.text).toContain('value="Typed"');
    const again = /name="idempotency_key" value="([^"]+)"/.exec(answer.text)?.[1];
    const sent = await pm.post('/catalog/form', { name: 'Typed', idempotency_key: again });
    expect(sent.status).toBe(303);
  },
);

test.each(['NaN', '1e309', 'Infinity', '0x1', '-1'])(
  'a row version that is no number (%s) is refused, and the typed values are kept (B6.7)',
  async (version) => {
    const id = await add(world.staging, 'form', { name: 'Before' });
    const answer = await pm.post(`/catalog/form/${id}`, { name: 'Typed', version });
    expect(answer.status).toBe(422);
    expect(answer.text).toContain('value="Typed"');
    expect((await get(world.staging, { entity: 'form', id }))['name']).toBe('Before');
  },
);

test.each([Number.NaN, Infinity, [[1, Number.NaN]], [{ a: 1 }], {}])(
  'a value of a type that SQL does not have (%p) is refused as the parameter of a statement (B6.7)',
  (value) => {
    expect(() => sql`select ${value}`).toThrow(TypeError);
  },
);

test('a search for rows to link with a text of 15,000 characters, letters or blanks, causes no server error (B6.9)', async () => {
  for (const asked of ['x'.repeat(15_000), '+'.repeat(15_000), '%23'.repeat(5000)]) {
    const answer = await pm.get(`/catalog/form/options?q=${asked}`);
    expect(answer.status).toBe(200);
  }
});

test.each(['constructor', '__proto__', 'toString'])(
  'the URL /admin_tools/%s, which belongs to no former admin tool, is answered with 404 (B6.10)',
  async (tool) => {
    expect((await pm.get(`/admin_tools/${tool}`)).status).toBe(404);
  },
);

test.each([
  { include: 'zzz:1' },
  { create: 'zzz:Pune' },
  { again: 'zzz:1' },
  { keep: 'zzz:1/title' },
  { keep: 'form:1/no_such_field' },
  { 'local[zzz:1][x]': 'y' },
  { add: 'zzz:1' },
])(
  'a post to a transfer sheet that names an unknown entity or field (%j) is refused, and the sheet can still be opened (B8)',
  async (choice) => {
    const id = await openedSheet();
    const { status } = await pm.post(`/selections/${id}/choices`, choice);
    expect([404, 422]).toContain(status);
    expect((await pm.get(`/selections/${id}`)).status).toBe(200);
  },
);

test('a stored selection of rows for a transfer can be opened even if it names rows and fields that no longer exist (B8)', async () => {
  const id = await openedSheet();
  const choices = {
    include: ['zzz:1', 7, 'task:1'],
    create: null,
    again: { a: 1 },
    excludedFields: { 'zzz:1': ['x'], 'form:1': ['gone'] },
    locals: [],
    overwrite: 7,
  };
  await run(
    world.staging.sql,
    sql`update selection set choices = ${JSON.stringify(choices)},
          row_keys = json_array_append(row_keys, '$', 'zzz:4'), chain = '{}' where id = ${id}`,
  );
  const page = await pm.get(`/selections/${id}`);
  expect(page.status).toBe(200);
  expect(refusalsOn(page.text)).toEqual([]);
  expect(textOf(page.text)).not.toContain('zzz');
  expect((await pm.get('/selections')).status).toBe(200);
});

test('a selection of rows for a transfer cannot exceed 20,000 rows, neither when it is made nor when rows are added (B7)', async () => {
  const keys = Array.from({ length: 20_000 }, (_, n) => `task:${n + 1}`);
  expect(parseKeys(keys)).toHaveLength(20_000);
  expect(() => parseKeys([...keys, 'task:20001'])).toThrow('20,000 rows at most');
  const id = await openedSheet();
  const [many, more] = [keys.slice(0, 19_999), ['task:30000', 'task:30001']];
  await addTo(world.staging.sql, id, parseKeys(many));
  await expect(addTo(world.staging.sql, id, parseKeys(more))).rejects.toThrow(
    '20,000 rows at most',
  );
});

test('a reason of more than 300 characters for the mark “Not for production” is refused, not truncated (B7)', async () => {
  const id = await add(world.staging, 'form');
  const answer = await pm.post(`/catalog/form/${id}/hold`, { reason: 'x'.repeat(301) });
  expect(answer.status).toBe(422);
  expect(textOf(answer.text)).toContain('Reason must be 300 characters or fewer');
});

test('a number in a posted form is accepted only if it consists of digits', () => {
  expect(['1', '0x1', '1e3', ' 1', '9'.repeat(17)].map(numberOrNull)).toEqual([
    1,
    null,
    null,
    null,
    null,
  ]);
});
