// Reads migrations/versions.json, which lists the last migrations of each database version.
import { readFileSync } from 'node:fs';

/** The last migration of each folder, for every database version. */
export const lastMigrations = JSON.parse(
  readFileSync('migrations/versions.json', 'utf8'),
) as Record<string, string[]>;

/** Whether a migration (`app/0003-certain.sql`) belongs to the database version whose last migrations are `last`. */
export const isUpTo = (last: string[], name: string) =>
  last.some((one) => one.split('/')[0] === name.split('/')[0] && name.slice(0, one.length) <= one);
