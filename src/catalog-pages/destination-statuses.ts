// Finds the status of rows in the next two environments. Rows are compared with the destination if it answers;
// otherwise their statuses are the last observed ones.
import { keyText, type Row, type RowKey } from '../catalog/entity.ts';
import { select, sql, type Queryable } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import type { Environment } from '../environments/environment.ts';
import { tryFarSide } from '../environments/far-side.ts';
import { rulesOf } from '../environments/rules.ts';
import { byEntity } from '../rows/store.ts';
import { comparePairs, type RowPair } from '../comparison/compare-pairs.ts';
import { recordObservations } from '../comparison/record-observations.ts';
import { dependentPairs, statusWithDependents } from '../comparison/dependent-pairs.ts';
import { COMPARISON } from '../comparison/job.ts';
import { newestOf, readChangedThere, type ChangedThere } from '../state/changed-there.ts';
import { overwrites, withDependents, type Status } from '../state/status.ts';
import { lastKnownStatuses, pendingRows, type UndoneThere } from '../state/pending.ts';

export type DestinationStatuses = {
  next: Map<string, Status>;
  beyond: Map<string, Status>;
  /** The undos in the environment after the destination, of the content that the row has here. */
  undoneBeyond: Map<string, UndoneThere>;
  pairs: Map<string, RowPair>;
  lastSeen: string | null;
  /** Why the destination could not be compared, and what to do; null when it was compared. */
  trouble: string | null;
};

/** Returns the name of the environment after the destination; null when there is none. */
export function beyondLabel({ destination }: App): string | null {
  const next = destination && rulesOf(destination.name).next;
  return next ? rulesOf(next).label : null;
}

export const nothing: DestinationStatuses = {
  next: new Map(),
  beyond: new Map(),
  undoneBeyond: new Map(),
  pairs: new Map(),
  lastSeen: null,
  trouble: null,
};

/**
 * Returns the status of rows at the destination (compared now) and in the environment after it (as
 * last observed). A failed comparison does not break the page, which then shows the last observed
 * statuses; only errors of this environment’s own databases are thrown. `known`: the rows, if the
 * caller has just read them.
 */
export async function statusesAhead(
  here: App,
  keys: RowKey[],
  known?: Map<string, Row>,
): Promise<DestinationStatuses> {
  const { destination } = here;
  if (!destination) return nothing;
  const { answer, trouble } = await tryFarSide(destination, here.log, () =>
    liveStatuses(here, destination, keys, known),
  );
  return answer ?? { ...nothing, ...(await lastKnown(here.sql, keys)), trouble };
}

async function liveStatuses(
  here: App,
  destination: Environment,
  keys: RowKey[],
  known: Map<string, Row> | undefined,
): Promise<DestinationStatuses> {
  const at = new Date().toISOString();
  const pairs = await comparePairs(here, destination, keys, known ? { known } : {});
  await recordObservations(here, pairs.values(), at).catch((error: unknown) => {
    // The statuses that were just observed cannot be recorded while this environment’s database is read-only. A list
    // page must work even then, because it only reads.
    here.log.warn({ err: error }, 'an observation was not recorded');
  });
  const next = new Map<string, Status>();
  for (const key of keys) {
    const status = statusWithDependents(pairs, key);
    if (status) next.set(keyText(key), status);
  }
  const { beyond, undoneBeyond } = rulesOf(destination.name).next
    ? await statusesBeyond(destination.sql, pairs, keys)
    : nothing;
  return { next, beyond, undoneBeyond, pairs, lastSeen: null, trouble: null };
}

async function statusesBeyond(on: Queryable, pairs: Map<string, RowPair>, keys: RowKey[]) {
  const hashes = new Map(
    [...pairs].flatMap(([text, { hereHash }]) => (hereHash ? [[text, hereHash] as const] : [])),
  );
  const { statuses, undone } = await lastKnownStatuses(on, hashes);
  const beyond = new Map<string, Status>();
  const undoneBeyond = new Map<string, UndoneThere>();
  for (const key of keys) {
    const own = statuses.get(keyText(key));
    const texts = dependentPairs(pairs, key).map((pair) => keyText(pair.key));
    const dependents = texts.flatMap((text) => statuses.get(text) ?? []);
    if (own) beyond.set(keyText(key), withDependents(own, dependents));
    const [first] = [keyText(key), ...texts].flatMap((text) => undone.get(text) ?? []);
    if (first) undoneBeyond.set(keyText(key), first);
  }
  return { beyond, undoneBeyond };
}

/** Finds who changed the row, or a row that belongs to it, at the destination; null if it did not change there. */
export async function changedAhead(
  here: App,
  { pairs }: DestinationStatuses,
  key: RowKey,
  status: Status,
): Promise<ChangedThere | null> {
  const { destination } = here;
  if (!destination || !overwrites(status)) return null;
  const own = pairs.get(keyText(key));
  const changed = [...(own ? [own] : []), ...dependentPairs(pairs, key)].filter(
    (pair) => pair.status && overwrites(pair.status),
  );
  const seen = new Map(changed.map((pair) => [keyText(pair.key), pair.thereHash]));
  const { answer } = await tryFarSide(destination, here.log, () =>
    readChangedThere(destination.sql, seen),
  );
  return newestOf([...(answer?.values() ?? [])]);
}

/**
 * Returns the last observed statuses, for a destination that does not answer, and when rows were compared last. A
 * comparison writes no line for a row that is equal on both sides, so the end of the last comparison counts, too.
 */
async function lastKnown(on: Queryable, keys: RowKey[]) {
  const [line] = await select<{ at: string | null }>(
    on,
    sql`select max(at) as at from (
          select max(observed_at) as at from destination_state
          union all
          select max(ended_at) from job where kind = ${COMPARISON} and state = 'done') seen`,
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
