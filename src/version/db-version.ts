import { readFileSync } from 'node:fs';

/**
 * Reads the file DB_VERSION, the only place that defines which database version this program
 * supports. The start scripts pass this version on as SUPPORTED_DATABASE_VERSION, and `oneway db
 * migrate` writes it into the database.
 */
export const currentVersion = (): string =>
  readFileSync(new URL('../../DB_VERSION', import.meta.url), 'utf8').trim();
