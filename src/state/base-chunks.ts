// The bases of rows, in the table `base_chunk`. The base of a row is the content at which it was last known to be equal
// here and at the destination. The table stores only the hashes of bases, packed for 1,000 ids together. If a row has
// an entry in `destination_state`, the base in that entry counts instead.
import type { Pool, PoolConnection } from 'mysql2/promise';
import { keyText, type RowKey } from '../catalog/entity.ts';
import { insertRows, upsertRows } from '../database/bulk.ts';
import { forgetCached } from '../database/cached-for.ts';
import { indexFrom } from '../database/ranges.ts';
import {
  join,
  select,
  sql,
  toSqlInstant,
  transaction,
  type Queryable,
  type Statement,
} from '../database/sql.ts';
import { CHUNK_SIZE, chunkOf, digestOf } from '../rows/row-hashes.ts';

/** The base of a row: the hash of its content, and the time since which this content is the base. */
export type Base = { hash: string; at: string };

/** A chunk of bases. `generation` grows with each write of the chunk; 0 stands for a chunk that was never written. */
export type BaseChunk = { generation: number; digest: string | null };

/** How many bytes a base takes: the place of its id in the chunk, a hash, and a time in milliseconds. */
const [PLACE, HASH, TIME] = [2, 32, 6];
const ENTRY = PLACE + HASH + TIME;

/** The ids in a packed chunk, each with the offset of its entry. */
function* entriesIn(chunk: number, packed: Buffer): Generator<[number, number]> {
  for (let offset = 0; offset < packed.length; offset += ENTRY) {
    yield [chunk * CHUNK_SIZE + packed.readUInt16BE(offset), offset];
  }
}

/**
 * The ids among these that have a base in a packed chunk, each with the offset of its entry. Entries are in order of id,
 * so few of them are looked at.
 */
function* entriesOf(ids: number[], packed: Buffer): Generator<[number, number]> {
  const placeAt = (index: number) => packed.readUInt16BE(index * ENTRY);
  for (const id of ids) {
    const place = id % CHUNK_SIZE;
    const offset = indexFrom(packed.length / ENTRY, placeAt, place) * ENTRY;
    if (offset < packed.length && packed.readUInt16BE(offset) === place) yield [id, offset];
  }
}

/** Unpacks bases of a chunk. `entries`: their ids, each with the offset of its entry. */
function unpack(packed: Buffer, entries: Iterable<[number, number]>): Map<number, Base> {
  const bases = new Map<number, Base>();
  // Formatting a time takes longer than all other work of this function, and the bases of a chunk have few different
  // times. So each formatted time is kept for reuse.
  const times = new Map<number, string>();
  for (const [id, offset] of entries) {
    const [from, to] = [offset + PLACE, offset + PLACE + HASH];
    const time = packed.readUIntBE(to, TIME);
    const at = times.get(time) ?? toSqlInstant(new Date(time).toISOString());
    times.set(time, at);
    bases.set(id, { hash: packed.toString('hex', from, to), at });
  }
  return bases;
}

/**
 * Returns a packed chunk in which these hashes are bases since the time `at`, and the digest of the chunk. A base whose
 * hash stays the same keeps its time.
 */
function repack(chunk: number, packed: Buffer, changes: Iterable<[number, string]>, at: string) {
  const hashes: string[] = [];
  const times: number[] = [];
  for (const [id, offset] of entriesIn(chunk, packed)) {
    const end = offset + PLACE + HASH;
    hashes[id % CHUNK_SIZE] = packed.toString('hex', offset + PLACE, end);
    times[id % CHUNK_SIZE] = packed.readUIntBE(end, TIME);
  }
  const now = Date.parse(at);
  for (const [id, hash] of changes) {
    const place = id % CHUNK_SIZE;
    if (hashes[place] !== hash) [hashes[place], times[place]] = [hash, now];
  }
  const bases = Buffer.alloc(ENTRY * CHUNK_SIZE);
  const lines: [number, string][] = [];
  for (let place = 0; place < CHUNK_SIZE; place += 1) {
    const hash = hashes[place];
    if (hash === undefined) continue;
    const offset = lines.length * ENTRY;
    bases.writeUInt16BE(place, offset);
    bases.write(hash, offset + PLACE, 'hex');
    bases.writeUIntBE(times[place] ?? now, offset + PLACE + HASH, TIME);
    lines.push([chunk * CHUNK_SIZE + place, hash]);
  }
  return { bases: bases.subarray(0, lines.length * ENTRY), digest: digestOf(lines) };
}

/** Reads the generation and the digest of each chunk from `first` to `last`, by chunk number. */
export async function readBaseDigests(
  on: Queryable,
  entity: string,
  first: number,
  last: number,
): Promise<Map<number, BaseChunk>> {
  const lines = await select<BaseChunk & { chunk: number }>(
    on,
    sql`select chunk, generation, digest from base_chunk
         where entity = ${entity} and chunk between ${first} and ${last}`,
  );
  return new Map(lines.map((line) => [line.chunk, line]));
}

/** Reads the bases of all rows in these chunks, by chunk number. */
export async function basesInChunks(
  on: Queryable,
  entity: string,
  chunks: number[],
): Promise<Map<number, Map<number, Base>>> {
  const lines = chunks.length === 0 ? [] : await readChunks(on, entity, chunks);
  return new Map(lines.map(({ chunk, bases }) => [chunk, unpack(bases, entriesIn(chunk, bases))]));
}

const readChunks = (on: Queryable, entity: string, chunks: number[]) =>
  select<{ chunk: number; generation: number; bases: Buffer }>(
    on,
    sql`select chunk, generation, bases from base_chunk
         where entity = ${entity} and chunk in (${chunks})`,
  );

/** Reads the bases of these rows, by key text (`task:12`). A row without a base is missing from the result. */
export async function readBases(on: Queryable, keys: RowKey[]): Promise<Map<string, Base>> {
  if (keys.length === 0) return new Map();
  const found = new Map<string, Base>();
  const wanted = new Map(
    [...Map.groupBy(keys, ({ entity }) => entity)].map(([entity, own]) => [
      entity,
      Map.groupBy(
        own.map(({ id }) => id),
        chunkOf,
      ),
    ]),
  );
  const lines = await select<{ entity: string; chunk: number; bases: Buffer }>(
    on,
    sql`select entity, chunk, bases from base_chunk where ${join(
      [...wanted].map(
        ([entity, chunks]) => sql`(entity = ${entity} and chunk in (${[...chunks.keys()]}))`,
      ),
      ' or ',
    )}`,
  );
  for (const { entity, chunk, bases } of lines) {
    const ids = wanted.get(entity)?.get(chunk) ?? [];
    for (const [id, base] of unpack(bases, entriesOf(ids, bases))) {
      found.set(keyText({ entity, id }), base);
    }
  }
  return found;
}

/** Yields the ids of all rows of an entity that have a base in this table, a chunk at a time. */
export async function* baseIds(on: Queryable, entity: string): AsyncGenerator<number[]> {
  for await (const { ids } of readIds(on, sql`entity = ${entity}`)) yield ids;
}

/** Yields the ids of all rows that have a base in this table, a chunk at a time. */
export const everyBaseId = (on: Queryable): AsyncGenerator<{ entity: string; ids: number[] }> =>
  readIds(on, sql`true`);

async function* readIds(on: Queryable, chunksOf: Statement) {
  let after = sql`true`;
  for (;;) {
    const lines = await select<{ entity: string; chunk: number; bases: Buffer }>(
      on,
      sql`select entity, chunk, bases from base_chunk
           where ${chunksOf} and ${after} order by entity, chunk limit ${READ}`,
    );
    for (const { entity, chunk, bases } of lines) {
      yield { entity, ids: Array.from(entriesIn(chunk, bases), ([id]) => id) };
    }
    const last = lines.at(-1);
    if (!last || lines.length < READ) return;
    after = sql`(entity > ${last.entity} or (entity = ${last.entity} and chunk > ${last.chunk}))`;
  }
}

/** How many chunks of up to 40 kB are read at a time. */
const READ = 100;

/**
 * Writes bases that were observed at the time `at`. `hashes`: the hash of each base, by row id. `asRead`: the
 * generations of the chunks before the rows were read; a chunk that another process has written since is skipped.
 * Without `asRead`, all chunks are written.
 */
export async function writeBases(
  on: Pool | PoolConnection,
  entity: string,
  hashes: Map<number, string>,
  at: string,
  asRead?: Map<number, Pick<BaseChunk, 'generation'>>,
) {
  if (hashes.size === 0) return;
  forgetCached();
  const byChunk = Map.groupBy(hashes, ([id]) => chunkOf(id));
  const write = async (connection: PoolConnection) => {
    // Chunks are locked in order, so that two writers wait for each other instead of deadlocking.
    const chunks = [...byChunk.keys()].toSorted((one, other) => one - other);
    await insertRows(
      connection,
      'base_chunk',
      chunks.map((chunk) => ({ entity, chunk, ...emptyChunk })),
      sql`on duplicate key update generation = generation + 1`,
    );
    const present = await readChunks(connection, entity, chunks);
    const lines = present.flatMap(({ chunk, generation, bases }) => {
      const was = asRead?.get(chunk)?.generation ?? 0;
      if (asRead && generation !== was + 1) return [];
      return [{ entity, chunk, generation, ...repack(chunk, bases, byChunk.get(chunk) ?? [], at) }];
    });
    await upsertRows(connection, 'base_chunk', ['entity', 'chunk'], lines);
  };
  await ('getConnection' in on ? transaction(on, write) : write(on));
}

const emptyChunk = { generation: 1, bases: Buffer.alloc(0), digest: digestOf([]) };
