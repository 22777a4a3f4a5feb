// Everything here beside everything at the destination, exactly: both sides are read in parts, in the order of
// their ids, and what is seen is written down. The page reads what was written, and says how old it is.
import { canonical, contentOf, hashOf } from '../catalog/content.ts';
import { keyText, type Entity, type Row } from '../catalog/entity.ts';
import { travelling } from '../catalog/index.ts';
import { select, sql, toSqlInstant, transaction, type Queryable } from '../database/sql.ts';
import type { Place, Stop } from '../environments/place.ts';
import { countRows, read, readAfter } from '../environments/row-store.ts';
import { onRows } from '../journal/claims.ts';
import { inTheirWords, readMappings, type Mappings } from '../journal/mappings.ts';
import {
  readStates,
  stateAfter,
  writeSeen,
  writeStates,
  type Seen,
} from '../journal/row-states.ts';
import { hasVerySameFields } from '../promotion/compare.ts';
import { refuseWhileUpdating } from '../environments/open.ts';
import { rung } from '../environments/ladder.ts';
import * as jobs from '../jobs/jobs.ts';
import type { Work } from '../jobs/run.ts';
import { Problem } from '../problems.ts';

const PART = 1000;
/** There is one comparison at a time. */
export const COMPARISON = 'comparison';

/** The newest comparison, and the newest that came to its end. */
export async function lastRuns(on: Queryable) {
  const runs = await jobs.newest(on, COMPARISON);
  return { newest: runs[0], whole: runs.find(({ state }) => state === 'done') };
}

export const askFor = (here: Stop, person: string) =>
  jobs.request(here.sql, {
    kind: COMPARISON,
    name: 'Comparison of everything with the destination',
    person,
    input: {},
    onlyOne: COMPARISON,
  });

/** Compares every row of both sides, as a job. */
export async function compareAll({ here, report }: Work): Promise<{ rows: number }> {
  const there = here.destination;
  if (!there) throw new Problem(422, `Nothing is transferred out of ${rung(here.name).inText}.`);
  const total = (await rowsOf(here)) + (await rowsOf(there));
  const mappings = await readMappings(here.sql);
  let rows = 0;
  for (const entity of travelling) {
    let ahead = readPart(here, there, entity, 0);
    for (;;) {
      const part = await ahead;
      // The next stretch is read while this one is looked at.
      if (!part.isLast) ahead = readPart(here, there, entity, part.upTo);
      ahead.catch(() => {});
      rows += await comparePart(here, entity, part, mappings);
      await report({ done: rows, total, doing: entity.label.many });
      if (part.isLast) break;
    }
  }
  return { rows };
}

async function rowsOf(place: Place): Promise<number> {
  let rows = 0;
  for (const entity of travelling) rows += await countRows(place, entity);
  return rows;
}

type Part = {
  at: string;
  own: Map<number, Row>;
  other: Map<number, Row>;
  after: number;
  upTo: number;
  isLast: boolean;
};

/** One stretch of ids, as far as both sides were read. */
async function readPart(here: Stop, there: Stop, entity: Entity, after: number): Promise<Part> {
  await refuseWhileUpdating(here, there);
  const at = new Date().toISOString();
  const [mine, theirs] = await Promise.all([
    readAfter(here, entity, after, PART),
    readAfter(there, entity, after, PART),
  ]);
  const isLast = mine.length < PART && theirs.length < PART;
  const ends = [mine, theirs].filter((rows) => rows.length === PART).map((rows) => rows.at(-1)?.id);
  const upTo = isLast ? Number.MAX_SAFE_INTEGER : Math.min(...ends.map(Number));
  const within = (rows: Row[]) =>
    new Map(rows.filter(({ id }) => id <= upTo).map((row) => [row.id, row]));
  return { at, own: within(mine), other: within(theirs), after, upTo, isLast };
}

/** Writes down what is news of a stretch; answers how many rows were seen. */
async function comparePart(
  here: Stop,
  entity: Entity,
  { at, own, other, after, upTo }: Part,
  mappings: Mappings,
): Promise<number> {
  const [states, stops] = await Promise.all([
    statesBetween(here.sql, entity, after, upTo),
    stopsBetween(here.sql, entity, after, upTo),
  ]);
  const ids = new Set([...own.keys(), ...other.keys(), ...states.keys()]);
  for (const [id, { seen_hash: seen }] of stops) if (seen !== null) ids.add(id);
  const news: Seen[] = [];
  const unknown: number[] = [];
  for (const id of ids) {
    const [row, their] = [own.get(id), other.get(id)];
    const mine = row && inTheirWords(entity, row, mappings);
    const hereHash = mine ? hashOf(entity, mine) : null;
    const isSame = mine && their && hasVerySameFields(entity, mine, their);
    const seen = isSame ? hereHash : their ? hashOf(entity, their) : null;
    if (hereHash !== (states.get(id) ?? null)) unknown.push(id);
    const stop = stops.get(id);
    const isEqual = their && seen === hereHash && seen !== stop?.base_hash;
    if (isEqual || (stop?.seen_hash ?? null) !== seen) {
      const content = their ? canonical(contentOf(entity, their)) : '';
      const base = isEqual && seen !== null ? { hash: seen, content } : null;
      news.push({ key: { entity: entity.name, id }, seen, base });
    }
  }
  await writeSeen(here.sql, news, at);
  await correctStates(here, entity, unknown);
  return own.size + other.size;
}

/** Hashes of rows that stand here, by id, as the books have them. */
async function statesBetween(on: Queryable, { name }: Entity, after: number, upTo: number) {
  const lines = await select<{ row_id: number; hash: string }>(
    on,
    sql`select row_id, hash from row_state
         where entity = ${name} and row_id > ${after} and row_id <= ${upTo} and deleted_at is null`,
  );
  return new Map(lines.map(({ row_id: id, hash }) => [id, hash]));
}

async function stopsBetween(on: Queryable, { name }: Entity, after: number, upTo: number) {
  const lines = await select<{
    row_id: number;
    seen_hash: string | null;
    base_hash: string | null;
  }>(
    on,
    sql`select row_id, seen_hash, base_hash from stop_state
         where entity = ${name} and row_id > ${after} and row_id <= ${upTo}`,
  );
  return new Map(lines.map((line) => [line.row_id, line]));
}

/** Rows that were written past this program: the books follow what stands there. */
async function correctStates(here: Stop, entity: Entity, ids: number[]) {
  if (ids.length === 0) return;
  const keys = ids.map((id) => ({ entity: entity.name, id }));
  await transaction(here.sql, async (connection) => {
    const was = await readStates(connection, keys, { lock: true });
    // What is just being written has its state before its documents are gone.
    const busy = new Set((await onRows(connection, keys)).map(({ row_id: id }) => id));
    const rows = await read(here, keys);
    const mappings = await readMappings(connection);
    const now = new Date().toISOString();
    const wrong = keys.flatMap((key) => {
      const row = rows.get(keyText(key));
      const state = was.get(keyText(key));
      if (busy.has(key.id)) return [];
      if (!row)
        return state && !state.deleted_at ? [{ ...state, deleted_at: toSqlInstant(now) }] : [];
      const hash = hashOf(entity, inTheirWords(entity, row, mappings));
      if (state?.hash === hash && !state.deleted_at) return [];
      const instant = row.modified_at === '' ? now : row.modified_at;
      return [stateAfter(entity, row, state, { person: OUTSIDE, instant, mappings })];
    });
    await writeStates(connection, wrong);
  });
}

const OUTSIDE = 'outside Oneway';
