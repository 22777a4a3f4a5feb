// Records the sync state of rows after a refresh: if a row is equal here and at the destination, its content becomes
// the base (the last equal content).
import { hashOf, isSameContent } from '../catalog/content.ts';
import { keyText, type Entity, type Row } from '../catalog/entity.ts';
import {
  contentDigest,
  unknownDigest,
  digestsOf,
  mergeById,
  chunkOf,
  replaceDigests,
  type RowDigest,
} from '../rows/digests.ts';
import type { Environment } from '../environments/environment.ts';
import { read } from '../rows/store.ts';
import {
  idsInSyncState,
  writeCheckedChunks,
  writeObservations,
  type VerifiedChunk,
} from '../state/checked-chunks.ts';
import { withMappedNames } from '../state/name-mapping.ts';
import { newObservation, type Observation } from '../state/destination-state.ts';
import { isComparedByDigest, type Part, type Chunk } from '../comparison/chunks.ts';
import type { PartPlan } from './plan-part.ts';
import { keyOf } from './report.ts';

type Sides = { here: Environment; there: Environment | null; source: Environment };

/** Records the base of rows that were equal here and at the destination at the time `at`. */
export async function writeBases(sides: Sides, entity: Entity, decided: PartPlan, at: string) {
  if (!sides.there) return;
  const written = new Set(decided.changes.map(({ after }) => after?.id));
  const news = await newsOf(sides, entity, decided);
  const isWritten = ({ key }: Observation) => written.has(key.id);
  // A row that this refresh has just written is equal on both sides. So its base is recorded even
  // if another process observed the row at the destination in the meantime.
  await writeObservations(sides.here.sql, news.filter(isWritten), at, { isBaseCertain: true });
  await writeObservations(
    sides.here.sql,
    news.filter((one) => !isWritten(one)),
    at,
  );
}

/**
 * Records the sync state of the rows in a part of a table, and marks the chunks of the part as
 * verified. Three kinds of rows count as verified: rows that were written and stored as production
 * has them, rows that were already equal, and rows that were verified before.
 */
export async function writeBasesChecked(
  sides: Sides,
  entity: Entity,
  { chunks, at }: Part,
  decided: PartPlan,
) {
  const { here, there } = sides;
  if (!there) return;
  const news = { seen: await newsOf(sides, entity, decided), at };
  const written = decided.changes.flatMap(({ after }) => after?.id ?? []);
  const same = decided.same.filter((row) => isRecordedRight(entity, row, decided));
  const unknown = chunks.filter(({ unsure }) => unsure === null).map(({ chunk }) => chunk);
  const outcome: Outcome = {
    recorded: await idsInSyncState(here.sql, entity.name, unknown),
    isTrusted: isComparedByDigest(entity, decided.mappings),
    looked: new Set(decided.rows.map(({ id }) => id)),
    right: new Set([...written, ...same.map(({ id }) => id)]),
    put: await digestsOf(here.sql, entity, written),
  };
  // Chunks that are verified and unchanged need not be stored again.
  const isDoubtful = ({ unsure, source }: Chunk) =>
    unsure?.size !== 0 || source.ids.some((id) => outcome.looked.has(id));
  const checked = chunks.filter(isDoubtful).map((chunk) => rightIn(chunk, outcome));
  await writeCheckedChunks(here.sql, entity.name, checked, news);
}

type Outcome = {
  isTrusted: boolean;
  /**
   * `looked`: the ids of the rows that were read. `right`: the ids of those rows whose sync state
   * is now correct.
   */
  looked: Set<number>;
  right: Set<number>;
  /** The digest lines, by id, of the rows that were written, as they are now. */
  put: Map<number, RowDigest>;
  /** The ids that the sync state lists in chunks that are not verified. */
  recorded: number[];
};

/**
 * Returns a chunk to record as verified, with its present digest lines. A row whose sync state may
 * be wrong gets a digest line that matches no row, so that the next comparison reads the row.
 */
function rightIn(one: Chunk, { isTrusted, looked, right, put, recorded }: Outcome): VerifiedChunk {
  const { chunk, generation, unsure, changed: since, source } = one;
  const isRight = (id: number) =>
    isTrusted && (looked.has(id) ? right.has(id) : unsure !== null && !unsure.has(id));
  const others = new Map<number, RowDigest>();
  for (const id of [...(unsure ?? []), ...recorded.filter((own) => chunkOf(own) === chunk)]) {
    if (!isRight(id)) others.set(id, unknownDigest(id));
  }
  mergeById(one.here, source, (id, _mine, wanted) => {
    const written = put.get(id);
    const isAsWanted = !written || (wanted && contentDigest(written) === contentDigest(wanted));
    if (!isAsWanted || !isRight(id)) others.set(id, unknownDigest(id));
    else if (written) others.set(id, written);
  });
  for (const id of one.there.ids) if (!isRight(id)) others.set(id, unknownDigest(id));
  const moved = new Set([...(unsure ?? []), ...source.ids.filter((id) => looked.has(id))]);
  return {
    chunk,
    generation,
    changed: since && since.union(moved).union(new Set(others.keys())),
    here: replaceDigests(one.here, others),
    there: one.there,
  };
}

function isRecordedRight(entity: Entity, row: Row, { mine, states, mappings }: PartPlan): boolean {
  const text = keyText(keyOf(entity, row));
  const [own, state] = [mine.get(text), states.get(text)];
  if (!own || !state || state.deleted_at) return false;
  return state.hash === hashOf(entity, withMappedNames(entity, own, mappings));
}

async function newsOf({ there, source }: Sides, entity: Entity, decided: PartPlan) {
  const { rows, mine, stops, mappings, changes } = decided;
  const keys = rows.map((row) => keyOf(entity, row));
  const theirs =
    there === source || there === null
      ? new Map(rows.map((row) => [keyText(keyOf(entity, row)), row]))
      : await read(there, keys);
  const written = new Map<number, Row>();
  for (const { after } of changes) if (after) written.set(after.id, after);
  return keys.flatMap((key): Observation[] => {
    const text = keyText(key);
    const [other, stop] = [theirs.get(text), stops.get(text)];
    const own = written.get(key.id) ?? mine.get(text);
    const words = own && withMappedNames(entity, own, mappings);
    const there = {
      there: other ?? null,
      seen: other ? hashOf(entity, other) : null,
      isEqual: Boolean(words && other && isSameContent(entity, words, other)),
    };
    const news = newObservation(entity, key, there, stop);
    if (news) return [news];
    // A row that is missing at the destination is recorded once, not at every refresh.
    return stop ? [] : [{ key, hash: there.seen, base: null }];
  });
}
