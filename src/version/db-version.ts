import { readFileSync } from 'node:fs';

/** The database version this program was built for: the file DB_VERSION, the single source. */
export const currentVersion = (): string =>
  readFileSync(new URL('../../DB_VERSION', import.meta.url), 'utf8').trim();
