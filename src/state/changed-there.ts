// Who changed rows at the destination, as the destination records it.
import { keysFrom } from '../catalog/entity.ts';
import type { Queryable } from '../database/sql.ts';
import { readStates } from './row-state.ts';

export type ChangedThere = { person: string; at: string };

/**
 * Reads who changed each of these rows at the destination last, and when, by key text (`task:12`). `seen`: the hash of
 * the row that was observed there, null for a deleted row. A row that another program has changed since is left out,
 * because the destination does not know who changed it.
 */
export async function readChangedThere(
  there: Queryable,
  seen: Map<string, string | null>,
): Promise<Map<string, ChangedThere>> {
  const states = await readStates(there, keysFrom([...seen.keys()]));
  return new Map(
    [...states].flatMap(
      ([text, { hash, deleted_at: deletedAt, changed_by: person, changed_at: at }]) =>
        (deletedAt === null ? hash : null) === seen.get(text)
          ? [[text, { person, at }] as const]
          : [],
    ),
  );
}

/** Picks the newest of these changes; null if there is none. */
export const newestOf = (changes: ChangedThere[]): ChangedThere | null =>
  changes.toSorted((one, other) => (one.at < other.at ? 1 : -1))[0] ?? null;
