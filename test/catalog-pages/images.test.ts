// Tests images that a user chooses in the form of a row: they are checked, stored, and kept when another field is
// refused.
import { expect, test } from 'vitest';
import { picture } from '../support/images.ts';
import { shownValues } from '../support/forms.ts';
import { textOf, useClient, useSite } from '../support/people.ts';
import { add, get } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');
const pm = useClient(site, 'pm');

/** Posts a multipart form with files. */
async function post(path: string, fields: Record<string, string>, files: Record<string, Buffer>) {
  const part = (head: string, content: Buffer | string) => [
    Buffer.from(`--x-x\r\nContent-Disposition: form-data; ${head}\r\n\r\n`),
    Buffer.from(content),
    Buffer.from('\r\n'),
  ];
  const texts = Object.entries({ csrf: await pm.token(), ...fields });
  const body = Buffer.concat([
    ...texts.flatMap(([name, text]) => part(`name="${name}"`, text)),
    ...Object.entries(files).flatMap(([name, file]) =>
      part(`name="${name}"; filename="chosen.png"`, file),
    ),
    Buffer.from('--x-x--\r\n'),
  ]);
  return pm.postRaw(path, 'multipart/form-data; boundary=x-x', body);
}

const kinds: [string, string, Record<string, string>, Record<string, string>][] = [
  ['banner', 'image', { title: '' }, { title: 'Diwali' }],
  ['business', 'icon', { name: '' }, { name: 'Kesar', category: 'Food', priority: '1' }],
];

test.each(kinds)(
  'an image chosen for a new %s is kept when another field of the form is wrong (walk 3)',
  async (entity, field, wrong, right) => {
    const refused = await post(
      `/catalog/${entity}`,
      { ...right, ...wrong },
      { [field]: await picture() },
    );
    expect(refused.status).toBe(422);
    const shown = shownValues(refused.text);
    expect(shown[field]).toMatch(/^[0-9a-f]{64}\.png$/);
    expect(refused.text).toContain(`src="/objects/${shown[field]}"`);
    const saved = await post(`/catalog/${entity}`, { ...shown, ...right }, {});
    expect(saved.status).toBe(303);
    const id = Number(saved.headers['location']?.split('/').at(-1));
    expect((await get(world.staging, { entity, id }))[field]).toBe(shown[field]);
  },
);

test('an image chosen for an existing row is kept when another field of the form is wrong (walk 3)', async () => {
  const id = await add(world.staging, 'banner');
  const address = `/catalog/banner/${id}`;
  const before = shownValues((await pm.get(address)).text);
  const refused = await post(address, { ...before, title: '' }, { image: await picture() });
  const shown = shownValues(refused.text);
  expect([refused.status, shown['image'] === before['image']]).toEqual([422, false]);
  expect((await post(address, { ...shown, title: 'Diwali' }, {})).status).toBe(303);
  expect((await get(world.staging, { entity: 'banner', id }))['image']).toBe(shown['image']);
});

test('a form with a damaged or empty image is refused with an error at the field, and keeps the typed values (F18)', async () => {
  const half = (await picture()).subarray(0, 40);
  for (const [file, message] of [
    [half, 'is damaged'],
    [Buffer.alloc(0), 'is empty'],
  ] as const) {
    const refused = await post('/catalog/banner', { title: 'Typed' }, { image: file });
    expect(refused.status).toBe(422);
    expect(textOf(refused.text)).toContain(message);
    expect(shownValues(refused.text)['title']).toBe('Typed');
  }
});

test('a posted image name is refused when the image store has no such image (B6)', async () => {
  const image = `${'a'.repeat(64)}.png`;
  const refused = await post('/catalog/banner', { title: 'Typed', image }, {});
  expect(refused.status).toBe(422);
  expect(textOf(refused.text)).toContain('Choose it again');
});
