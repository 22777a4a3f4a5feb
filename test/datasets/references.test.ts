// Tests the comparison of cities and partners with the names in datasets: on a page, when names are added, and on the
// transfer sheet.
import { beforeEach, expect, test } from 'vitest';
import { select, sql } from '../../src/database/sql.ts';
import * as datasets from '../../src/datasets/datasets.ts';
import type { Dataset } from '../../src/datasets/datasets.ts';
import { review } from '../../src/datasets/references.ts';
import { addDataset, load } from '../support/datasets.ts';
import { useClient, useSite } from '../support/people.ts';
import { add, sheet } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');
const ed = useClient(site, 'ed');
const dana = useClient(site, 'dana');
let dataset: Dataset;

beforeEach(async () => {
  dataset = await addDataset(world.staging, { feeds: 'city', feedsColumn: 'city' });
  await load(
    world.staging,
    dataset,
    'code,city\n1,Pune\n2,Zürich\n3,"O\'Fallon"\n4,Łódź\n4,Łódź\n',
  );
  dataset = await datasets.known(world.staging.sql, dataset.id);
});

test('J-6 the page of a dataset lists cities that the environment lacks or spells differently, and used cities that the dataset lacks', async () => {
  await add(world.staging, 'city', { name: 'pune' });
  await add(world.staging, 'city', { name: 'Zürich' });
  await add(world.staging, 'city', { name: 'Atlantis' });
  await add(world.staging, 'business', { cities: [{ city: 'Atlantis', partner: null }] });
  await add(world.staging, 'city', { name: 'Unused' });
  expect(await review(world.staging, dataset)).toEqual({
    missing: ["O'Fallon", 'Łódź'],
    spelled: [{ here: 'pune', inDataset: 'Pune' }],
    unknown: ['Atlantis'],
    equal: 1,
  });
  const { text } = await dana.get(`/datasets/${dataset.id}/references`);
  expect(text).toContain('Missing here: 2');
});

test('J-6 a person who may edit adds chosen names as cities, and a form that is posted twice adds each city once', async () => {
  const form = {
    idempotency_key: '0192f0c0-0000-7000-8000-000000000001',
    names: ['Pune', "O'Fallon", 'Not in the dataset'],
  };
  await ed.post(`/datasets/${dataset.id}/references`, form);
  await ed.post(`/datasets/${dataset.id}/references`, form);
  const cities = await select(world.staging.sql, sql`select name from city order by name`);
  expect(cities).toEqual([{ name: "O'Fallon" }, { name: 'Pune' }]);
  const [saved] = await select(
    world.staging.sql,
    sql`select count(*) as number from transfer where kind = 'save' and person = 'ed@example.com'`,
  );
  expect(saved).toEqual({ number: 2 });
});

test('J-6 a person who may not edit rows cannot add cities from a dataset', async () => {
  const { status } = await dana.post(`/datasets/${dataset.id}/references`, { names: ['Pune'] });
  expect(status).toBe(403);
  expect(await select(world.staging.sql, sql`select id from city`)).toEqual([]);
});

test('J-6 the transfer sheet says whether a dataset contains a city that the destination lacks', async () => {
  const messages: string[] = [];
  for (const name of ['Pune', 'Atlantis']) {
    await add(world.staging, 'city', { name });
    const id = await add(world.staging, 'business', { cities: [{ city: name, partner: null }] });
    const { plan } = await sheet(world.staging, [{ entity: 'business', id }]);
    messages.push(...plan.problems.map(({ message }) => message));
  }
  expect(messages).toEqual([
    'The city “Pune” is not in pre-production. The dataset statistics/cities has it.',
    'The city “Atlantis” is not in pre-production. No dataset has it either: check its spelling.',
  ]);
});

test('the page that compares cities with a dataset reports that the dataset lacks the column that its settings name', async () => {
  const other = await addDataset(world.staging, {
    name: 'other',
    feeds: 'city',
    feedsColumn: 'town',
  });
  await load(world.staging, other, 'code,city\n1,Pune\n');
  const { status, text } = await dana.get(`/datasets/${other.id}/references`);
  expect([status, /has no column “town”/.test(text)]).toEqual([409, true]);
});
