// Records after a refresh how each row relates to the next environment (its sync state). For a row that is equal in
// both environments, only its base is recorded (the hash at which both were last equal). Other rows get records in the
// tables `row_state` and `destination_state`.
import { hashOf, isSameContent } from '../catalog/content.ts';
import { keyText, type Entity, type Row, type RowKey } from '../catalog/entity.ts';
import type { Environment } from '../environments/environment.ts';
import { read } from '../rows/store.ts';
import { writeBases } from '../state/base-chunks.ts';
import { newObservation, writeObservations, type Observation } from '../state/observations.ts';
import { withMappedNames } from '../state/name-mapping.ts';
import { idsWithLines } from '../state/recorded.ts';
import { correctHashes } from '../state/row-state.ts';
import { addLines } from '../state/untouched.ts';
import type { PartPlan } from './plan-part.ts';
import { keyOf } from './report.ts';

type Sides = { here: Environment; there: Environment | null; source: Environment };

/** Records, for the rows of one part of a refresh, how they related to the next environment at the time `at`. */
export async function recordPart(sides: Sides, entity: Entity, decided: PartPlan, at: string) {
  const { here, there } = sides;
  if (!there) return;
  const { bases, untouched, seen } = await newsOf(sides, entity, decided);
  const written = new Set(decided.changes.map(({ after }) => after?.id));
  const isWritten = ({ key }: Observation) => written.has(key.id);
  await addLines(here, untouched);
  // A row that this refresh has just written is certainly equal in this environment and in the next one. Its base (last
  // equal content) therefore replaces even one that another process recorded meanwhile.
  await writeObservations(here.sql, seen.filter(isWritten), at, { isBaseCertain: true });
  await writeObservations(
    here.sql,
    seen.filter((one) => !isWritten(one)),
    at,
  );
  await writeBases(here.sql, entity.name, bases, at);
  await correctHashes(here.sql, outdated(entity, decided));
}

/**
 * Returns the hashes of each changed row before and after the refresh. A list or transfer sheet that read the row
 * before the refresh wrote it may have recorded the former hash afterwards; this record is then corrected.
 */
const outdated = (entity: Entity, { changes, mappings }: PartPlan) => {
  const hash = (row: Row) => hashOf(entity, withMappedNames(entity, row, mappings));
  return changes.flatMap(({ before, after }) =>
    before && after ? [{ key: keyOf(entity, before), from: hash(before), to: hash(after) }] : [],
  );
};

async function newsOf({ here, there, source }: Sides, entity: Entity, decided: PartPlan) {
  const { rows, mine, states, stops, mappings, changes } = decided;
  const keys = rows.map((row) => keyOf(entity, row));
  const theirs =
    there === source || there === null
      ? new Map(rows.map((row) => [keyText(keyOf(entity, row)), row]))
      : await read(there, keys);
  const lines = await idsWithLines(
    here.sql,
    entity.name,
    keys.map(({ id }) => id),
  );
  const written = new Map<number, Row>();
  for (const { after } of changes) if (after) written.set(after.id, after);
  const [bases, untouched] = [new Map<number, string>(), [] as RowKey[]];
  const seen: Observation[] = [];
  for (const key of keys) {
    const text = keyText(key);
    const [other, stop] = [theirs.get(text), stops.get(text)];
    const own = written.get(key.id) ?? mine.get(text);
    const words = own && withMappedNames(entity, own, mappings);
    const isEqual = Boolean(words && other && isSameContent(entity, words, other));
    if (words && isEqual && !lines.has(key.id)) {
      bases.set(key.id, hashOf(entity, words));
      continue;
    }
    const thereHash = other ? hashOf(entity, other) : null;
    const news = newObservation(key, { there: other ?? null, seen: thereHash, isEqual }, stop);
    // If nothing is recorded about the row in the next environment, a record is written even if the row is missing
    // there. Later refreshes then find this record and need not write one.
    if (news) seen.push(news);
    else if (!stop) seen.push({ key, hash: thereHash, base: null });
    if (own && !states.has(text)) untouched.push(key);
  }
  return { bases, untouched, seen };
}
