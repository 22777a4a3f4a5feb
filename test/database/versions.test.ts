// Every migration belongs to a database version: migrations/versions.json lists the last migrations of each version.
import { expect, test } from 'vitest';
import { available } from '../../src/database/migrate.ts';
import { currentVersion } from '../../src/version/db-version.ts';
import { isUpTo, lastMigrations } from '../support/versions.ts';

const versions = Object.keys(lastMigrations);
const numbers = (version: string) => version.split('.').map(Number);

test('a new migration requires a new DB_VERSION and a new line in versions.json, so that every migration belongs to a version', async () => {
  const last = lastMigrations[currentVersion()] ?? [];
  expect((await available()).filter((name) => !isUpTo(last, name))).toEqual([]);
});

test('DB_VERSION is the last version in versions.json, and versions.json lists all versions in ascending order', () => {
  expect(versions.at(-1)).toBe(currentVersion());
  const sorted = versions.toSorted((one, other) => {
    const differing = numbers(one).findIndex((number, index) => number !== numbers(other)[index]);
    return (numbers(one)[differing] ?? 0) - (numbers(other)[differing] ?? 0);
  });
  expect(versions).toEqual(sorted);
});

test('each database version in versions.json adds at least one migration', () => {
  const lasts = Object.values(lastMigrations).map((last) => last.join(' '));
  expect(new Set(lasts).size).toBe(lasts.length);
});
