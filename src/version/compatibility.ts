// Decides, from the version document in MongoDB (metadata/metadata), whether this program may use the database. Pages,
// the API, workers and commands all call this code.
import type { Db } from 'mongodb';
import { readVersion, type DatabaseVersion } from './metadata.ts';

export type Compatibility =
  | { kind: 'open' }
  /** The database is being updated to another version, whatever version it has now. */
  | { kind: 'updating'; since: string | null; by: string | null }
  /**
   * The database has another version than this program supports. The two versions must be equal.
   */
  | { kind: 'unsupported'; database: string; supported: string }
  /** The version document in MongoDB is missing or malformed. Then the database may be read but not written. */
  | { kind: 'unknown' };

export function compatibilityOf(version: DatabaseVersion | null, supported: string): Compatibility {
  if (version === null) return { kind: 'unknown' };
  if (version.isUpdating) {
    return { kind: 'updating', since: version.since ?? null, by: version.by ?? null };
  }
  const { databaseVersion: database } = version;
  return database === supported ? { kind: 'open' } : { kind: 'unsupported', database, supported };
}

/**
 * How many milliseconds a process caches whether it may use the database. A version update of the database waits this
 * long before it changes anything, so that every process has noticed the update.
 */
export const TTL_MS = 2000;

export type CachedCompatibility = () => Promise<Compatibility>;

/**
 * Returns a function that tells whether this program may use the database. The function asks the database at most every
 * two seconds, and simultaneous calls share one query.
 */
export function cachedCompatibility(documents: Db, supported: string): CachedCompatibility {
  let asked: Promise<Compatibility> | null = null;
  let until = 0;
  return () => {
    if (asked === null || Date.now() >= until) {
      until = Date.now() + TTL_MS;
      const answer = readVersion(documents).then((version) => compatibilityOf(version, supported));
      // Removes a failed query from the cache, so that the next caller tries again.
      answer.catch(() => (until = 0));
      asked = answer;
    }
    return asked;
  };
}

/** Explains why the database cannot be used and what to do, for logs, commands and the API. */
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
