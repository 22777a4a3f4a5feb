// The status of rows in the next environments, live where they can be reached and as last observed otherwise.
import { keyText, type Row, type RowKey } from '../catalog/entity.ts';
import { isTransient } from '../database/transient-errors.ts';
import { select, sql, type Queryable } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import { rulesOf } from '../environments/rules.ts';
import { byEntity } from '../rows/store.ts';
import {
  dependentPairs,
  recordObservations,
  comparePairs,
  statusWithDependents,
  type RowPair,
} from '../comparison/compare-pairs.ts';
import { withDependents, type Status } from '../state/status.ts';
import { lastKnownStatuses, pendingRows } from '../state/pending.ts';

export type DestinationStatuses = {
  next: Map<string, Status>;
  beyond: Map<string, Status>;
  pairs: Map<string, RowPair>;
  lastSeen: string | null;
  isReachable: boolean;
};

/** Label of the environment after the next; null where there is none. */
export function beyondLabel({ destination }: App): string | null {
  const next = destination && rulesOf(destination.name).next;
  return next ? rulesOf(next).label : null;
}

export const nothing: DestinationStatuses = {
  next: new Map(),
  beyond: new Map(),
  pairs: new Map(),
  lastSeen: null,
  isReachable: true,
};

/**
 * Status of rows in the next environment (live) and in the one after it (as last observed). `known`: the
 * rows, when they were just read.
 */
export async function statusesAhead(
  here: App,
  keys: RowKey[],
  known?: Map<string, Row>,
): Promise<DestinationStatuses> {
  const { destination } = here;
  if (!destination) return nothing;
  try {
    const at = new Date().toISOString();
    const pairs = await comparePairs(here, destination, keys, known ? { known } : {});
    // A failed note of an observation must not fail the page.
    await recordObservations(here.sql, pairs.values(), at).catch((error: unknown) => {
      if (!isTransient(error)) throw error;
    });
    const next = new Map<string, Status>();
    for (const key of keys) {
      const status = statusWithDependents(pairs, key);
      if (status) next.set(keyText(key), status);
    }
    const beyond = rulesOf(destination.name).next
      ? await statusesBeyond(destination.sql, pairs, keys)
      : new Map<string, Status>();
    return { next, beyond, pairs, lastSeen: null, isReachable: true };
  } catch (error) {
    if (!isUnreachable(error)) throw error;
    return { ...nothing, ...(await lastKnown(here.sql, keys)), isReachable: false };
  }
}

const isUnreachable = (error: unknown) => {
  const { code } = error as { code?: string | number };
  return isTransient(error) || code === 'ER_ACCESS_DENIED_ERROR' || code === 18;
};

async function statusesBeyond(on: Queryable, pairs: Map<string, RowPair>, keys: RowKey[]) {
  const hashes = new Map(
    [...pairs].flatMap(([text, { hereHash }]) => (hereHash ? [[text, hereHash] as const] : [])),
  );
  const { statuses } = await lastKnownStatuses(on, hashes);
  const beyond = new Map<string, Status>();
  for (const key of keys) {
    const own = statuses.get(keyText(key));
    const dependents = dependentPairs(pairs, key).flatMap(
      (pair) => statuses.get(keyText(pair.key)) ?? [],
    );
    if (own) beyond.set(keyText(key), withDependents(own, dependents));
  }
  return beyond;
}

/** Last known statuses, when the destination does not answer. */
async function lastKnown(on: Queryable, keys: RowKey[]) {
  const [line] = await select<{ at: string | null }>(
    on,
    sql`select max(observed_at) as at from destination_state`,
  );
  const next = new Map<string, Status>();
  for (const [entity, ids] of byEntity(keys)) {
    const waits = await pendingRows(on, entity);
    for (const id of ids) {
      next.set(keyText({ entity: entity.name, id }), waits.get(id)?.status ?? 'In sync');
    }
  }
  return { next, lastSeen: line?.at ?? null };
}
