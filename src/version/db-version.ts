import { readFileSync } from 'node:fs';

/**
 * Reads the file DB_VERSION, the only place that says which version this program has. The program is started with it
 * as SUPPORTED_DATABASE_VERSION, and `oneway db migrate` writes it into the database.
 */
export const currentVersion = (): string =>
  readFileSync(new URL('../../DB_VERSION', import.meta.url), 'utf8').trim();
