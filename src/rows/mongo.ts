// Rows stored in MongoDB. A removed document stays as a stub for a day, so that a writer that wakes up late
// finds the newer stamp. Every reader treats a stub as absent.
import { MongoBulkWriteError, type Db, type Filter } from 'mongodb';
import { fieldEntries, type Entity, type Row, type Draft } from '../catalog/entity.ts';
import { readField, readModified } from '../catalog/misfits.ts';
import { limits } from '../database/limits.ts';
import type { Databases } from '../environments/environment.ts';
import {
  byPeople,
  changedAfter,
  conditions,
  instantIn,
  present,
  readable,
} from './mongo-questions.ts';
import {
  UNREADABLE,
  type Cursor,
  type FoundRows,
  type Query,
  type RowFilter,
  type Store,
} from './query.ts';
import { ownValue, type Temporary } from './temporary-values.ts';

/** The transfer that wrote a document last. */
export type Stamp = { transfer: string; fence: number };
export type StoredDocument = {
  _id: number;
  modified_at?: Date;
  stamp?: Stamp;
  removed_at?: Date;
  temporary?: Temporary;
  [field: string]: unknown;
};

export const collection = (documents: Db, entity: Entity) =>
  documents.collection<StoredDocument>(entity.table);

async function findIn(
  documents: Db,
  entity: Entity,
  field: string,
  values: number[],
): Promise<StoredDocument[]> {
  const found: StoredDocument[] = [];
  for (let from = 0; from < values.length; from += limits.idsPerQuery) {
    const some = values.slice(from, from + limits.idsPerQuery);
    const filter = { [field]: { $in: some } } as Filter<StoredDocument>;
    found.push(...(await collection(documents, entity).find(filter).toArray()));
  }
  return found.toSorted((one, other) => one._id - other._id);
}

async function read({ documents }: Databases, entity: Entity, ids: number[]): Promise<Row[]> {
  return rowsIn(entity, await findIn(documents, entity, '_id', ids));
}

async function readBy({ documents }: Databases, entity: Entity, field: string, targets: number[]) {
  return rowsIn(entity, await findIn(documents, entity, field, targets));
}

/** Stubs are rare: filtering them here is cheaper than a condition in the query. */
const rowsIn = (entity: Entity, stored: StoredDocument[]) =>
  stored.flatMap((one) => (Number.isSafeInteger(one._id) ? (rowIn(entity, one) ?? []) : []));

/** All rows above an id in order of id, in parts, with a single cursor. */
async function* walk({ documents }: Databases, entity: Entity, after: number, size: number) {
  const cursor = collection(documents, entity)
    .find({ _id: { $gt: after, $lte: Number.MAX_SAFE_INTEGER }, ...present }, { batchSize: size })
    .sort({ _id: 1 });
  let part: Row[] = [];
  for await (const stored of cursor) {
    part.push(...rowsIn(entity, [stored]));
    if (part.length === size) {
      yield part;
      part = [];
    }
  }
  if (part.length > 0) yield part;
}

/** Documents without an instant count as changed at the beginning. */
async function readChangedAfter(
  { documents }: Databases,
  entity: Entity,
  cursor: Cursor,
  limit: number,
): Promise<Row[]> {
  const found: StoredDocument[] = [];
  for (const { where, order } of changedAfter(cursor)) {
    if (found.length < limit) {
      found.push(
        ...(await collection(documents, entity)
          .find({ $and: [present, readable, where] }, { sort: order })
          .limit(limit - found.length)
          .toArray()),
      );
    }
  }
  return rowsIn(entity, found);
}

const count = ({ documents }: Databases, entity: Entity): Promise<number> =>
  collection(documents, entity).countDocuments({ $and: [present, readable] });

/** Stored documents including stubs, for writers. */
export async function readStored(documents: Db, entity: Entity, ids: number[]) {
  const stored = await findIn(documents, entity, '_id', ids);
  return new Map(stored.map((one) => [one._id, one]));
}

async function find({ documents }: Databases, entity: Entity, query: Query): Promise<FoundRows> {
  const where = { $and: [present, readable, ...conditions(entity, query)] };
  const direction = query.sort.descending ? -1 : 1;
  const field = query.sort.field === 'id' ? '_id' : query.sort.field;
  const total = await collection(documents, entity).countDocuments(where);
  const found = collection(documents, entity)
    .find(where)
    .sort({ [field]: direction, ...(field === '_id' ? {} : { _id: direction }) });
  // The collation is of the order only: conditions compare texts as they are.
  const ordered = entity.fields[field]?.kind === 'text' ? found.collation(byPeople) : found;
  const stored = await ordered.skip(query.offset).limit(query.limit).toArray();
  return { rows: rowsIn(entity, stored), total };
}

async function findIds(
  { documents }: Databases,
  entity: Entity,
  query: RowFilter,
): Promise<number[]> {
  const stored = await collection(documents, entity)
    .find({ $and: [present, readable, ...conditions(entity, query)] }, { projection: { _id: 1 } })
    .sort({ _id: 1 })
    .toArray();
  return stored.map((one) => one._id);
}

/** All names: no collation passes over kinds of space, and fillers that nobody sees. */
async function withNames({ documents }: Databases, entity: Entity, field: string) {
  const stored = await collection(documents, entity)
    .find({ $and: [present, readable] })
    .project<{ _id: number; [field: string]: unknown }>({ [field]: 1 })
    .toArray();
  return stored.flatMap(({ _id: id, [field]: value }) =>
    typeof value === 'string' ? [{ id, value }] : [],
  );
}

async function unreadable({ documents }: Databases, entity: Entity): Promise<string[]> {
  const stored = await collection(documents, entity)
    .find({ $nor: [readable] }, { limit: UNREADABLE })
    .project<{ _id: unknown }>({ _id: 1 })
    .toArray();
  return stored.map(
    ({ _id: id }) => `${entity.label.one} ${String(id)}: its _id is not the number of a row`,
  );
}

export const mongoStore: Store = {
  read,
  readBy,
  walk,
  readChangedAfter,
  count,
  find,
  findIds,
  withNames,
  unreadable,
};

/** The row of a document; null for a stub or no document. */
export const rowIn = (entity: Entity, stored: StoredDocument | undefined): Row | null =>
  stored && !stored.removed_at ? toRow(entity, stored) : null;

function toRow(entity: Entity, stored: StoredDocument): Row {
  const row: Draft<Row> = { id: stored._id, modified_at: '' };
  readModified(row, instantIn(stored.modified_at));
  for (const one of fieldEntries(entity)) readField(entity, row, one, ownValue(stored, one[0]));
  return row;
}

export function toStored(entity: Entity, row: Row, instant: string, stamp: Stamp): StoredDocument {
  const stored: StoredDocument = { _id: row.id, modified_at: new Date(instant), stamp };
  for (const [field] of fieldEntries(entity)) {
    if (row[field] !== undefined) stored[field] = row[field];
  }
  return stored;
}

const ours = new Set(['_id', 'modified_at', 'stamp', 'removed_at', 'temporary']);

/** Fields that this version does not know; they are preserved. */
export const unknownFields = (
  entity: Entity,
  seen: StoredDocument | undefined,
): Partial<StoredDocument> =>
  Object.fromEntries(
    Object.entries(seen ?? {}).filter(([field]) => !ours.has(field) && !entity.fields[field]),
  );

export const stub = (id: number, instant: string, stamp: Stamp): StoredDocument => ({
  _id: id,
  removed_at: new Date(instant),
  stamp,
});

/** A document to write if `expected` is still stored; `undefined` expects no document. */
export type Replacement = { expected: StoredDocument | undefined; next: StoredDocument };

/** Compare-and-set over every field. Answers whether `expected` was still stored. */
export async function replace(
  documents: Db,
  entity: Entity,
  { expected: seen, next }: Replacement,
): Promise<boolean> {
  const into = collection(documents, entity);
  if (seen === undefined) {
    return into.insertOne(next).then(() => true, refuseDuplicateId);
  }
  const { _id, ...rest } = next;
  const result = await into.replaceOne(unchangedFilter(seen, next), rest);
  return result.matchedCount === 1;
}

function unchangedFilter(seen: StoredDocument, next: StoredDocument): Filter<StoredDocument> {
  const names = new Set([...Object.keys(seen), ...Object.keys(next)]);
  names.delete('_id');
  const same = [...names].map((field) => [
    field,
    seen[field] === undefined ? { $exists: false } : { $eq: seen[field], $exists: true },
  ]);
  // Conditions stand beside `_id`, not inside $and: some servers would scan all documents.
  return { _id: next._id, ...Object.fromEntries(same) };
}

/**
 * Compare-and-set of many in order, in one round trip. Answers how many succeeded before the first
 * conflict; later ones may have been written.
 */
export async function replaceAll(
  documents: Db,
  entity: Entity,
  replacements: Replacement[],
): Promise<number> {
  const operations = replacements.map(({ expected: seen, next }) => {
    if (seen === undefined) return { insertOne: { document: next } };
    const { _id, ...replacement } = next;
    return { replaceOne: { filter: unchangedFilter(seen, next), replacement } };
  });
  const into = collection(documents, entity);
  try {
    const { matchedCount, insertedCount } = await into.bulkWrite(operations, { ordered: true });
    if (matchedCount + insertedCount === replacements.length) return replacements.length;
  } catch (error) {
    // Any other error, a missing write concern included, is not resolved document by document.
    if (!isDuplicate(error)) throw error;
  }
  return replaceRest(documents, entity, replacements);
}

const isDuplicate = (error: unknown) =>
  error instanceof MongoBulkWriteError &&
  error.code === 11_000 &&
  error.result.getWriteConcernError() === undefined;

/** Retries one by one to find which document conflicted. */
async function replaceRest(documents: Db, entity: Entity, replacements: Replacement[]) {
  const ids = replacements.map(({ next }) => next._id);
  const now = await readStored(documents, entity, ids);
  // A document that gives up a value is written twice.
  const done = new Map(
    replacements.flatMap(({ next }, index) =>
      isSameWrite(now.get(next._id), next) ? [[next._id, index] as const] : [],
    ),
  );
  for (const [index, { expected: seen, next }] of replacements.entries()) {
    const isPut =
      index <= (done.get(next._id) ?? -1) ||
      (await replace(documents, entity, { expected: seen, next }));
    if (!isPut) return index;
  }
  return replacements.length;
}

const isSameWrite = (now: StoredDocument | undefined, { stamp, modified_at: at }: StoredDocument) =>
  now?.stamp?.transfer === stamp?.transfer &&
  now?.stamp?.fence === stamp?.fence &&
  timeOf(now?.modified_at) === timeOf(at);

/** Other programs store texts and numbers where a date belongs: those count as the beginning. */
const timeOf = (stored: unknown): number => (stored instanceof Date && stored.getTime()) || 0;

function refuseDuplicateId(error: unknown): boolean {
  const { code, keyPattern } = error as { code?: number; keyPattern?: Record<string, number> };
  // A duplicate of another unique key is reported by its name.
  if (code === 11_000 && (!keyPattern || '_id' in keyPattern)) return false;
  throw error;
}
