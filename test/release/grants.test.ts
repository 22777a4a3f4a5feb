import { expect, test } from 'vitest';
import { readFileSync } from 'node:fs';
import { catalogTables } from '../../src/catalog/tables.ts';
import { select, sql } from '../../src/database/sql.ts';
import { grantsFile, knownTables } from '../../src/release/grants.ts';
import { openTerminal } from '../support/command.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();

test('the list of database rights covers every table of a migrated database', async () => {
  const there = await select<{ name: string }>(
    world.staging.sql,
    sql`select table_name as name from information_schema.tables
         where table_schema = database() and table_type = 'BASE TABLE'`,
  );
  expect(there.map(({ name }) => name).toSorted()).toEqual(knownTables().toSorted());
});

test('the command oneway db grants prints the GRANT statements for every user of a database', () => {
  const { status, stdout } = openTerminal(world)('staging', ['db', 'grants', 'shop_production']);
  expect(status).toBe(0);
  expect(stdout.trim()).toBe(grantsFile('shop_production').trim());
  for (const table of catalogTables().mysql) {
    expect(stdout).toContain(
      `GRANT SELECT ON \`shop_production\`.\`${table}\` TO 'shop_production_reader'@'%';`,
    );
  }
});

test('docs/rights.sql equals what the command oneway db grants oneway_production prints', () => {
  expect(readFileSync('docs/rights.sql', 'utf8').trim()).toBe(
    grantsFile('oneway_production').trim(),
  );
});

test('the MongoDB role in docs/updating.md names every collection of the catalogue', () => {
  const listed = /\.\.\.\[(.+)\]\.map\(\(collection\)/.exec(
    readFileSync('docs/updating.md', 'utf8'),
  );
  const names = [...(listed?.[1] ?? '').matchAll(/'(\w+)'/g)].map(([, name]) => name);
  expect(names).toEqual(catalogTables().mongo);
});
