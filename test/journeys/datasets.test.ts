// The story of a data file in a real browser: a person uploads, checks, loads, searches and replaces the file, and
// restores the former version. On every page the accessibility checker axe finds nothing, and the page fits on a phone.
import { expect, test } from 'vitest';
import { watchPolicy } from '../support/axe.ts';
import { openContext, signIn, useBrowser } from '../support/browser.ts';
import { lookInto } from '../support/looking.ts';
import { password } from '../support/people.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld({ cleared: 'once' });
const both = useBrowser(world);

const cities = [
  'Statistics office, cities',
  'id;name;people;founded;rate',
  '01;Pune;3,124;1937-02-01;0.5',
  '02;Lyon;522;1960-01-05;0.25',
  '03;"Łódź; the old town";677;1921-10-10;',
  '04;Oslo;709',
  '05;Rome;unknown;1871-02-03;1.5',
  '',
  '06;=HYPERLINK("x");1;2000-01-01;0.1',
].join('\r\n');

const found: string[] = [];

const look = lookInto(found, { height: 2000 });

test('S3-03 S3-07 a person uploads a CSV file to a new dataset, replaces it with a newer file, and restores the former version', async () => {
  const { servers, browser } = both;
  const base = servers.urls.staging;
  const context = await openContext(browser, { height: 2000 });
  const page = await context.newPage();
  const blocked = watchPolicy(page);
  await signIn(page, base, 'dana@example.com', password);
  await page.goto(`${base}/datasets`);
  await look(page);
  await page.getByRole('link', { name: 'Add dataset' }).first().click();
  await page.getByLabel('Organisation').fill('Statistics Office');
  await page.getByLabel('Name', { exact: true }).fill('cities');
  await page.getByRole('button', { name: 'Add dataset' }).click();
  await page.getByText('There is a problem').waitFor();
  await look(page);
  await page.getByLabel('Organisation').fill('statistics');
  await page.getByLabel('Open to clients').check();
  await page.getByRole('button', { name: 'Add dataset' }).click();
  await page.getByText('No file has been loaded yet.').waitFor();
  await look(page);

  await page.getByRole('link', { name: 'Upload a file' }).click();
  await look(page);
  await page
    .getByLabel('File')
    .setInputFiles({ name: 'cities.csv', mimeType: 'text/csv', buffer: Buffer.from(cities) });
  await page.getByRole('button', { name: 'Upload' }).click();
  await page.getByRole('heading', { name: 'Check cities.csv' }).waitFor();
  await page.getByText('5 of 9 lines become rows').waitFor();
  await look(page);

  // A person chooses the type of a column. A value that does not fit this type is rejected with its
  // line.
  await page.getByLabel('Type of people').selectOption('integer|');
  await page.getByRole('button', { name: 'Read again with these choices' }).click();
  await page
    .getByRole('row', { name: /people.*unknown/ })
    .first()
    .waitFor();
  await page.getByRole('button', { name: /^Load/ }).click();
  await page.getByText('There is a problem').waitFor();
  await look(page);
  await page.getByLabel(/^Leave out/).check();
  await page.getByRole('button', { name: /^Load/ }).click();
  await page.getByText('Completed').waitFor();
  await look(page);
  await page.getByRole('link', { name: 'Version 1 of statistics/cities' }).click();
  await page.getByLabel('Contains').fill('lodz');
  await page.getByRole('button', { name: 'Search' }).click();
  await look(page);

  // A newer file replaces the rows. Restoring the former version makes the former rows current
  // again.
  await page.goto(`${base}/datasets`);
  await page.getByRole('link', { name: 'statistics/cities' }).click();
  await page.getByRole('link', { name: 'Upload a file' }).click();
  const newer = cities.replace('3,124', '3124').replace('522', '523').replace('unknown', '9');
  await page
    .getByLabel('File')
    .setInputFiles({ name: 'newer.csv', mimeType: 'text/csv', buffer: Buffer.from(newer) });
  await page.getByRole('button', { name: 'Upload' }).click();
  await page.getByLabel(/^Leave out/).check();
  await page.getByRole('button', { name: /^Load/ }).click();
  await page.getByText('Completed').waitFor();
  await page.getByRole('link', { name: 'Version 2 of statistics/cities' }).click();
  await page.getByRole('cell', { name: '523' }).waitFor();
  await page.getByRole('link', { name: 'Versions' }).click();
  await look(page);
  await page.getByRole('button', { name: 'Restore this version' }).click();
  await page.getByText('There is a problem').waitFor();
  await look(page);
  await page.getByLabel('Reason').fill('Lyon was right before');
  await page.getByRole('button', { name: 'Restore this version' }).click();
  await page.getByText('Version 1 is current again.').waitFor();
  await page.getByRole('cell', { name: '522' }).waitFor();

  await page.goto(`${base}/datafiles`);
  await look(page);
  await page.getByRole('link', { name: 'cities.csv' }).click();
  await look(page);
  expect(found).toEqual([]);
  expect(blocked).toEqual([]);
}, 120_000);

test('S3-03 a person uploads, checks and loads a file without JavaScript', async () => {
  const { servers, browser } = both;
  const base = servers.urls.staging;
  const context = await openContext(browser, { javaScript: false });
  const page = await context.newPage();
  await signIn(page, base, 'dana@example.com', password);
  await page.goto(`${base}/datasets/new`);
  await page.getByLabel('Organisation').fill('statistics');
  await page.getByLabel('Name', { exact: true }).fill('plain');
  await page.getByRole('button', { name: 'Add dataset' }).click();
  await page.getByRole('link', { name: 'Upload a file' }).click();
  await page
    .getByLabel('File')
    .setInputFiles({ name: 'plain.csv', mimeType: 'text/csv', buffer: Buffer.from('a;b\n1;2\n') });
  await page.getByRole('button', { name: 'Upload' }).click();
  await page.getByLabel('Between cells').selectOption(',');
  await page.getByRole('button', { name: 'Read again with these choices' }).click();
  await page.getByText('1;2').first().waitFor();
  await page.getByLabel('Between cells').selectOption(';');
  await page.getByRole('button', { name: 'Read again with these choices' }).click();
  await page.getByRole('button', { name: /^Load 1 row/ }).click();
  await page.getByText('Completed').waitFor();
});
