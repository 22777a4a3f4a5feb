// Compares the list of the catalogue’s tables with the tables that the migrations create.
import { expect, test } from 'vitest';
import { readFileSync } from 'node:fs';
import { catalogTables } from '../../src/catalog/tables.ts';

test('the function catalogTables lists exactly the tables that the migrations of the catalogue create', () => {
  const made = readFileSync('migrations/catalog/0001-catalogue.sql', 'utf8')
    .matchAll(/^CREATE TABLE (\w+)/gm)
    .map(([, name = '']) => name)
    .toArray();
  const { mysql, mongo } = catalogTables();
  expect(mysql.toSorted()).toEqual(made.toSorted());
  expect(mongo.toSorted()).toEqual(['form', 'form_field']);
});
