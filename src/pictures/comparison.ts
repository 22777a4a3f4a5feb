// Everything here beside everything at the destination, exactly: both sides are read in parts, in the order of
// their ids, and what is seen is written down. The page reads what was written, and says how old it is.
import { canonical, contentOf, hashOf } from '../catalog/content.ts';
import { keyText, type Entity, type Row } from '../catalog/entity.ts';
import { travelling } from '../catalog/index.ts';
import {
  first,
  run,
  runForId,
  select,
  sql,
  toSqlInstant,
  transaction,
  type Queryable,
} from '../database/sql.ts';
import type { Stop } from '../environments/place.ts';
import { read, readAfter } from '../environments/row-store.ts';
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
import { untilOpen } from '../version/standing.ts';

const PART = 1000;
/** A run whose process died says nothing for longer than this. */
const SILENCE = 30_000;

export type Comparison = {
  id: number;
  person: string;
  started_at: string;
  ended_at: string | null;
  rows_seen: number;
  problem: string | null;
  isAlive: boolean;
};

/** The newest run, and the newest that came to its end. */
export async function lastRuns(on: Queryable) {
  const quiet = sql`utc_timestamp(3) - interval ${SILENCE * 1000} microsecond`;
  const [newest] = await select<Comparison & { is_alive: number }>(
    on,
    sql`select *, ended_at is null and alive_at > ${quiet} as is_alive
          from comparison order by id desc limit 1`,
  );
  const whole = await first<Comparison>(
    on,
    sql`select * from comparison where ended_at is not null and problem is null order by id desc limit 1`,
  );
  return { newest: newest && { ...newest, isAlive: Boolean(newest.is_alive) }, whole };
}

/** Begins a run; answers null when one is under way. */
export async function begin(here: Stop, person: string): Promise<number | null> {
  const { newest } = await lastRuns(here.sql);
  if (newest?.isAlive) return null;
  const now = toSqlInstant(new Date().toISOString());
  return runForId(
    here.sql,
    sql`insert into comparison (person, started_at, alive_at)
        values (${person}, ${now}, utc_timestamp(3))`,
  );
}

/** Compares every row of both sides; answers how many were seen. */
export async function compareAll(here: Stop, there: Stop, id: number): Promise<number> {
  let rows = 0;
  try {
    const mappings = await readMappings(here.sql);
    for (const entity of travelling) {
      let ahead = readPart(here, there, entity, 0);
      for (;;) {
        const part = await ahead;
        // The next stretch is read while this one is looked at.
        if (!part.isLast) ahead = readPart(here, there, entity, part.upTo);
        ahead.catch(() => {});
        rows += await comparePart(here, entity, part, mappings);
        await alive(here, id, rows);
        if (part.isLast) break;
      }
    }
    await run(here.sql, sql`update comparison set ended_at = utc_timestamp(3) where id = ${id}`);
    return rows;
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    await run(
      here.sql,
      sql`update comparison set ended_at = utc_timestamp(3), problem = ${problem} where id = ${id}`,
    );
    throw error;
  }
}

const alive = (here: Stop, id: number, rows: number) =>
  run(
    here.sql,
    sql`update comparison set alive_at = utc_timestamp(3), rows_seen = ${rows} where id = ${id}`,
  );

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
  await untilOpen(here.documents, there.documents);
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
