import { readFileSync } from 'node:fs';

/**
 * The file DB_VERSION, the single source. The program is started with it as SUPPORTED_DATABASE_VERSION;
 * `oneway db migrate` writes it into the database.
 */
export const currentVersion = (): string =>
  readFileSync(new URL('../../DB_VERSION', import.meta.url), 'utf8').trim();
