// A person opens a form in a browser and saves it: fields that the person did not touch stay exactly as they were
// stored.
import { expect, test } from 'vitest';
import { collection } from '../../src/rows/mongo.ts';
import { entityNamed } from '../../src/catalog/index.ts';
import { openContext, signIn, useBrowser } from '../support/browser.ts';
import { password } from '../support/people.ts';
import { add } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld({ cleared: 'once' });
const at = useBrowser(world);

/** Returns the stored row without its modified_at. */
async function stored(table: string, id: number) {
  const [lines] = await world.staging.sql.query(`select * from \`${table}\` where id = ?`, [id]);
  const { modified_at: _modified, ...row } = (lines as Record<string, unknown>[])[0] ?? {};
  return row;
}
const setByAnotherProgram = (table: string, id: number, values: object) =>
  world.staging.sql.query(`update \`${table}\` set ? where id = ?`, [values, id]);

test('a save in Chromium leaves fields that the user did not touch unchanged to the last byte (F1)', async () => {
  const { staging } = world;
  const business = await add(staging, 'business', { name: 'Kesar' });
  const task = await add(staging, 'task', { business });
  const banner = await add(staging, 'banner', { task });
  const form = await add(staging, 'form');
  const field = await add(staging, 'form_field', { form, type: 'choice', options: ['x'] });
  await setByAnotherProgram('business', business, { category: 'Old', priority: 5000, active: 2 });
  await setByAnotherProgram('task', task, {
    title: ' Book\ta  cab\r\n now ',
    message: '\n\na\r\nb\rc\u200B  - list\n',
  });
  await setByAnotherProgram('banner', banner, {
    start: '2026-11-30 09:00:00.123',
    end: '1500-01-01 00:00:30.007',
    link: ' ftp://x y ',
  });
  const fields = collection(staging.documents, entityNamed('form_field'));
  const options = ['', ' a', 'b\r\nc', 'a', ''];
  await fields.updateOne({ _id: field }, { $set: { options } });
  const rows = { business, task, banner } as const;
  const before = new Map<string, object>();
  for (const [table, id] of Object.entries(rows)) before.set(table, await stored(table, id));

  const context = await openContext(at.browser);
  const page = await context.newPage();
  await signIn(page, at.servers.urls.staging, 'pm@example.com', password);
  const save = async (address: string, label: string, text: string) => {
    await page.goto(`${at.servers.urls.staging}/catalog/${address}`);
    await page.getByLabel(label, { exact: true }).fill(text);
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText(/ saved\.$/).waitFor();
  };
  await save(`business/${business}`, 'Description (optional)', 'New');
  await save(`task/${task}`, 'Priority', '7');
  await save(`banner/${banner}`, 'Title', 'New');
  await save(`form_field/${field}`, 'Label', 'New');
  await context.close();

  expect(await stored('business', business)).toEqual({
    ...before.get('business'),
    description: 'New',
  });
  expect(await stored('task', task)).toEqual({ ...before.get('task'), priority: 7 });
  expect(await stored('banner', banner)).toEqual({ ...before.get('banner'), title: 'New' });
  expect(await fields.findOne({ _id: field })).toMatchObject({ options, label: 'New' });
}, 120_000);
