// Migrations have one order across all folders, are applied once, and are refused when the file of an applied migration
// was changed.
import { afterEach, expect, test } from 'vitest';
import { appendFileSync, cpSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { available, migrate, refuseChanged } from '../../src/database/migrate.ts';
import { select, sql } from '../../src/database/sql.ts';
import { Conflict } from '../../src/problems.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
afterEach(async () => {
  await world.staging.sql.query('drop table if exists later');
  await world.staging.sql.query("delete from migration where name like '%-later.sql'");
});

/** Copies the migration files to a temporary folder and adds one migration. */
function copyWithOneMore(): { folder: URL; change: (name: string, text: string) => void } {
  const path = mkdtempSync(join(tmpdir(), 'oneway-migrations-'));
  cpSync('migrations', path, { recursive: true });
  writeFileSync(join(path, 'catalog/9999-later.sql'), 'create table later (id int not null);\n');
  return {
    folder: pathToFileURL(`${path}/`),
    change: (name, text) => appendFileSync(join(path, name), text),
  };
}

const checksums = () =>
  select<{ name: string; checksum: string | null }>(
    world.staging.sql,
    sql`select name, checksum from migration order by name`,
  );

test('migrations are ordered by their number across all folders', async () => {
  const { folder } = copyWithOneMore();
  const names = await available(folder);
  expect(names.slice(0, 4)).toEqual([
    'catalog/0001-catalogue.sql',
    'app/0001-people.sql',
    'mongo/0001-catalogue.ts',
    'app/0002-promotion.sql',
  ]);
  expect(names.at(-1)).toBe('catalog/9999-later.sql');
});

test('migration numbers are unique across all folders, except 0001, the number of the first migration of every folder', async () => {
  const numbers = (await available()).map((name) => /\/(\d{4})-/.exec(name)?.[1]);
  const later = numbers.filter((number) => number !== '0001');
  expect(new Set(later).size).toBe(later.length);
});

test('migrating a database applies only new migrations, each once', async () => {
  const { sql: pool, documents } = world.staging;
  const { folder } = copyWithOneMore();
  expect(await migrate(pool, documents, { folder })).toEqual(['catalog/9999-later.sql']);
  expect(await migrate(pool, documents, { folder })).toEqual([]);
});

test('migrating adds the checksums that are missing because an earlier version of Oneway applied the migrations', async () => {
  const { sql: pool, documents } = world.staging;
  const before = await checksums();
  await pool.query('alter table migration drop column checksum');
  expect(await migrate(pool, documents)).toEqual([]);
  expect(await checksums()).toEqual(before);
  expect(before.every(({ checksum }) => /^[0-9a-f]{64}$/.test(checksum ?? ''))).toBe(true);
});

test('migrating a database is refused when the file of an applied migration was changed', async () => {
  const { sql: pool, documents } = world.staging;
  const { folder, change } = copyWithOneMore();
  change('app/0003-certain.sql', '-- One more line.\n');
  const refused = migrate(pool, documents, { folder });
  await expect(refused).rejects.toThrow(Conflict);
  await expect(refused).rejects.toThrow('migrations/app/0003-certain.sql');
  await expect(refuseChanged(pool, { folder })).rejects.toThrow(Conflict);
  expect((await checksums()).map(({ name }) => name)).not.toContain('catalog/9999-later.sql');
});
