// Which migrations each version of the database brought: migrations/versions.json.
import { readFileSync } from 'node:fs';

/** The last migration of each room, by version. */
export const lastMigrations = JSON.parse(
  readFileSync('migrations/versions.json', 'utf8'),
) as Record<string, string[]>;

/** Is a migration (`app/0003-certain.sql`) among those up to `last`? */
export const isUpTo = (last: string[], name: string) =>
  last.some((one) => one.split('/')[0] === name.split('/')[0] && name.slice(0, one.length) <= one);
