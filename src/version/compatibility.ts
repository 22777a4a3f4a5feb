// Whether this program may use this database, according to the version document. Pages, API, workers and commands all
// ask here.
import type { Db } from 'mongodb';
import { readVersion, type DatabaseVersion } from './metadata.ts';

export type Compatibility =
  | { kind: 'open' }
  /** The state while the database is being updated; it takes precedence over the version. */
  | { kind: 'updating'; since: string | null; by: string | null }
  /** The state when the database has another version than this program supports; both must be equal. */
  | { kind: 'unsupported'; database: string; supported: string }
  /** The state when the version document is missing or malformed: reading is allowed, writing is not. */
  | { kind: 'unknown' };

export function compatibilityOf(version: DatabaseVersion | null, supported: string): Compatibility {
  if (version === null) return { kind: 'unknown' };
  if (version.isUpdating) {
    return { kind: 'updating', since: version.since ?? null, by: version.by ?? null };
  }
  const { databaseVersion: database } = version;
  return database === supported ? { kind: 'open' } : { kind: 'unsupported', database, supported };
}

/** For how many milliseconds an answer is used again; an update waits that long before it starts. */
export const TTL_MS = 2000;

export type CachedCompatibility = () => Promise<Compatibility>;

/**
 * Returns a function that reads the compatibility at most every two seconds; callers at the same time share one
 * query.
 */
export function cachedCompatibility(documents: Db, supported: string): CachedCompatibility {
  let asked: Promise<Compatibility> | null = null;
  let until = 0;
  return () => {
    if (asked === null || Date.now() >= until) {
      until = Date.now() + TTL_MS;
      const answer = readVersion(documents).then((version) => compatibilityOf(version, supported));
      // A failed query is removed from the cache, so that the next caller tries again.
      answer.catch(() => (until = 0));
      asked = answer;
    }
    return asked;
  };
}

/** Why the database is closed and what to do, as a text for logs, commands and the API. */
export function explain(standing: Exclude<Compatibility, { kind: 'open' }>): string {
  switch (standing.kind) {
    case 'updating': {
      const since = standing.since ? ` since ${standing.since}` : '';
      const by = standing.by ? ` by ${standing.by}` : '';
      return `The database is being updated${since}${by}. Try again when that is over; “oneway db version” tells. If the update died, run “oneway db migrate” again.`;
    }
    case 'unsupported':
      return `The database is at version ${standing.database}, this program supports ${standing.supported}. Install the program of the database's version, or run “oneway db migrate” of this one.`;
    case 'unknown':
      return 'The document metadata/metadata is missing or malformed, so nothing is written. Run “oneway db migrate”.';
  }
}
