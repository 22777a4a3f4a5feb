// Compares every row here with the same row at the destination, and corrects the sync state. MySQL tables are first
// compared by digests (short fingerprints of rows); MongoDB documents are all read.
import { hashOf, isSameContent } from '../catalog/content.ts';
import { keyText, type Entity, type Row } from '../catalog/entity.ts';
import { prefetch } from '../database/read-ahead.ts';
import {
  join,
  select,
  sql,
  toSqlInstant,
  transaction,
  type Queryable,
  type Statement,
} from '../database/sql.ts';
import {
  unknownDigest,
  RowDigests,
  chunkOf,
  replaceDigests,
  type RowDigest,
} from '../rows/digests.ts';
import { refuseWhileUpdating } from '../environments/updating.ts';
import type { Environment } from '../environments/environment.ts';
import { read, walk } from '../rows/store.ts';
import { onRows } from '../writing/claims.ts';
import { rowsInChunks, writeCheckedChunks, writeObservations } from '../state/checked-chunks.ts';
import { withMappedNames, readMappings, type Mappings } from '../state/name-mapping.ts';
import { readStates, stateAfter, writeStates } from '../state/row-state.ts';
import {
  newObservation,
  type Observation,
  type DestinationHashes,
} from '../state/destination-state.ts';
import { isComparedByDigest, chunkParts, type Part, type Chunk } from './chunks.ts';
import { settleAll } from '../settle-all.ts';

const PART = 1000;

export type ComparisonSides = {
  here: Environment;
  there: Environment;
  mappings: Mappings;
  isFull: boolean;
};

/**
 * Compares a table here with the same table at the destination. Chunks whose digests are unchanged
 * are skipped without reading rows. Yields for each part the number of compared rows.
 */
export async function* compareTable(
  sides: ComparisonSides,
  entity: Entity,
): AsyncGenerator<number> {
  const { here, there, mappings } = sides;
  const isTrusted = isComparedByDigest(entity, mappings);
  const ignoresChecked = sides.isFull || !isTrusted;
  const parts = chunkParts(
    entity,
    { here, there, source: null },
    { from: 0, ignoresChecked, wanted },
  );
  const looks = prefetch(parts, async (part) => {
    const doubtful = part.chunks.filter(({ unsure }) => unsure?.size !== 0);
    const rows = doubtful.length === 0 ? null : await readRows(sides, entity, part);
    return { part, doubtful, rows };
  });
  for await (const { part, doubtful, rows } of looks) {
    if (rows) {
      const { news, wrong } = findDifferences(entity, rows, mappings);
      // Recorded row states are corrected first, so that no chunk is marked as verified while a
      // state in it is wrong.
      await correctStates(here, entity, wrong);
      const doubts = new Map(wrong.map((id) => [id, unknownDigest(id)]));
      const checked = doubtful.map((one) => ({
        chunk: one.chunk,
        generation: one.generation,
        there: one.there,
        changed: one.unsure && one.changed && one.changed.union(one.unsure),
        here: !isTrusted ? noLines : replaceDigests(one.here, within(one.chunk, doubts)),
      }));
      await writeCheckedChunks(here.sql, entity.name, checked, { seen: news, at: part.at });
    }
    yield part.chunks.reduce((sum, one) => sum + one.here.ids.length + one.there.ids.length, 0);
  }
}

const noLines = new RowDigests();

const within = (chunk: number, lines: Map<number, RowDigest>) =>
  new Map([...lines].filter(([id]) => chunkOf(id) === chunk));

const wanted = ({ here, there, unsure }: Chunk) => unsure ?? new Set([...here.ids, ...there.ids]);

/**
 * Reads the rows to compare on both sides, with their sync state. For a chunk that is not verified,
 * the sync state of all its ids is read, so that deleted rows are found.
 */
async function readRows(
  { here, there }: ComparisonSides,
  entity: Entity,
  part: Part,
): Promise<Rows> {
  const keys = part.ids.map((id) => ({ entity: entity.name, id }));
  const whole = part.chunks.filter(({ unsure }) => unsure === null);
  const within = join(
    [sql`row_id in (${part.ids})`, ...rowsInChunks(whole.map(({ chunk }) => chunk))],
    ' or ',
  );
  const [own, other, states, stops] = await settleAll([
    read(here, keys),
    read(there, keys),
    statesOf(here.sql, entity, within),
    destinationHashesOf(here.sql, entity, within),
  ]);
  const byId = (rows: Map<string, Row>) =>
    new Map([...rows.values()].map((row) => [row.id, row] as const));
  return { own: byId(own), other: byId(other), states, stops };
}

/**
 * Compares a collection here with the same collection at the destination. MongoDB cannot compute
 * digests, so all documents of both sides are read.
 */
export async function* compareDocuments(
  sides: ComparisonSides,
  entity: Entity,
): AsyncGenerator<number> {
  const { here, there, mappings } = sides;
  const parts = prefetch(bothInParts(here, there, entity), async (part) => {
    const within = sql`row_id > ${part.after} and row_id <= ${part.upTo}`;
    const [states, stops] = await settleAll([
      statesOf(here.sql, entity, within),
      destinationHashesOf(here.sql, entity, within),
    ]);
    return { ...part, states, stops };
  });
  for await (const part of parts) {
    const { news, wrong } = findDifferences(entity, part, mappings);
    await writeObservations(here.sql, news, part.at);
    await correctStates(here, entity, wrong);
    yield part.own.size + part.other.size;
  }
}

/**
 * Yields the documents of both sides in parts, in order of id. Each part ends at the highest id up
 * to which both sides have been read.
 */
async function* bothInParts(here: Environment, there: Environment, entity: Entity) {
  // All observations get the time at which the comparison started, so that they never replace an
  // observation that another process makes during the comparison.
  const at = new Date().toISOString();
  const [mine, theirs] = [
    new ReadAhead(walk(here, entity, -1, PART)),
    new ReadAhead(walk(there, entity, -1, PART)),
  ];
  try {
    for (let after = -1; after < Number.MAX_SAFE_INTEGER;) {
      await refuseWhileUpdating(here, there);
      await settleAll([mine.fill(), theirs.fill()]);
      const upTo = Math.min(mine.upTo, theirs.upTo);
      yield { at, after, upTo, own: mine.take(upTo), other: theirs.take(upTo) };
      after = upTo;
    }
  } finally {
    await settleAll([mine.close(), theirs.close()]);
  }
}

/** Reads rows in parts, and buffers rows whose ids are higher than those requested so far. */
class ReadAhead {
  readonly #parts: AsyncIterator<Row[]>;
  #rows: Row[] = [];
  #isEnd = false;

  constructor(parts: AsyncIterable<Row[]>) {
    this.#parts = parts[Symbol.asyncIterator]();
  }

  async fill() {
    if (this.#rows.length >= PART || this.#isEnd) return;
    const next = await this.#parts.next();
    if (next.done) this.#isEnd = true;
    else this.#rows.push(...next.value);
  }

  close = async () => this.#parts.return?.();

  /** The highest id up to which all rows have been read. */
  get upTo(): number {
    return this.#isEnd ? Number.MAX_SAFE_INTEGER : (this.#rows.at(-1)?.id ?? -1);
  }

  take(upTo: number): Map<number, Row> {
    const end = this.#rows.findIndex(({ id }) => id > upTo);
    const taken = this.#rows.splice(0, end === -1 ? this.#rows.length : end);
    return new Map(taken.map((row) => [row.id, row]));
  }
}

type Rows = {
  own: Map<number, Row>;
  other: Map<number, Row>;
  /** The recorded hashes of the rows here, by id. */
  states: Map<number, string>;
  stops: Map<number, DestinationHashes>;
};

/**
 * Finds what a comparison must record: new observations of the destination, and the ids of rows
 * here whose recorded hash is wrong.
 */
function findDifferences(entity: Entity, { own, other, states, stops }: Rows, mappings: Mappings) {
  const ids = new Set([...own.keys(), ...other.keys(), ...states.keys()]);
  for (const [id, { observed_hash: seen }] of stops) if (seen !== null) ids.add(id);
  const news: Observation[] = [];
  const wrong: number[] = [];
  for (const id of ids) {
    const [row, their] = [own.get(id), other.get(id)];
    const mine = row && withMappedNames(entity, row, mappings);
    const hereHash = mine ? hashOf(entity, mine) : null;
    const isSame = mine && their && isSameContent(entity, mine, their);
    const seen = isSame ? hereHash : their ? hashOf(entity, their) : null;
    if (hereHash !== (states.get(id) ?? null)) wrong.push(id);
    const isEqual = their !== undefined && seen === hereHash;
    const key = { entity: entity.name, id };
    const one = newObservation(entity, key, { there: their ?? null, seen, isEqual }, stops.get(id));
    if (one) news.push(one);
  }
  return { news, wrong };
}

async function statesOf(on: Queryable, { name }: Entity, within: Statement) {
  const lines = await select<{ row_id: number; hash: string }>(
    on,
    sql`select row_id, hash from row_state
         where entity = ${name} and (${within}) and deleted_at is null`,
  );
  return new Map(lines.map(({ row_id: id, hash }) => [id, hash]));
}

async function destinationHashesOf(on: Queryable, { name }: Entity, within: Statement) {
  const lines = await select<DestinationHashes & { row_id: number }>(
    on,
    sql`select row_id, observed_hash, base_hash from destination_state where entity = ${name} and (${within})`,
  );
  return new Map(lines.map((line) => [line.row_id, line]));
}

/** Corrects the recorded state of rows here that another program changed, created or deleted. */
async function correctStates(here: Environment, entity: Entity, ids: number[]) {
  if (ids.length === 0) return;
  const keys = ids.map((id) => ({ entity: entity.name, id }));
  await transaction(here.sql, async (connection) => {
    const was = await readStates(connection, keys, { lock: true });
    // Claimed rows are being written by a transfer, so their states are not corrected: a transfer
    // records the deletion of a document before it removes the document.
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
      const hash = hashOf(entity, withMappedNames(entity, row, mappings));
      if (state?.hash === hash && !state.deleted_at) return [];
      const instant = row.modified_at === '' ? now : row.modified_at;
      return [stateAfter(entity, row, state, { person: OUTSIDE, instant, mappings })];
    });
    await writeStates(connection, wrong);
  });
}

const OUTSIDE = 'outside Oneway';
