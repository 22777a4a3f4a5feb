// Reads rows stored in MongoDB. A removed document stays for a day as a stub: its `_id`, its timestamp, and its fence
// (a number that is higher for a later worker on the same transfer). A delayed worker that finds a higher fence than
// its own stops. Readers treat stubs as absent.
import type { Db, Filter, FindCursor } from 'mongodb';
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
  byId,
  UNREADABLE,
  type Cursor,
  type FoundRows,
  type Query,
  type RowFilter,
  type RowOrder,
  type Store,
} from './query.ts';
import { ownValue, type Temporary } from './temporary-values.ts';

/**
 * The stamp on each document: the transfer that wrote the document last, and the fence of the worker that wrote it (a
 * number that is higher for a later worker on the same transfer).
 */
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

/** Reads documents by the values of a field. Values of which few documents are found are read with fewer queries. */
async function findIn(
  documents: Db,
  entity: Entity,
  field: string,
  values: number[],
): Promise<StoredDocument[]> {
  const found: StoredDocument[] = [];
  let most = limits.idsPerQuery;
  for (let from = 0; from < values.length;) {
    const some = values.slice(from, from + most);
    const filter = { [field]: { $in: some } } as Filter<StoredDocument>;
    const answer = await collection(documents, entity).find(filter).toArray();
    found.push(...answer);
    from += some.length;
    // Long lists are slow only if documents are found.
    most = answer.length === 0 ? 10 * limits.idsPerQuery : limits.idsPerQuery;
  }
  return byRisingId(found);
}

const byRisingId = (found: StoredDocument[]) => found.toSorted((one, other) => one._id - other._id);

/** Reads documents by id, including stubs. */
async function findByIds(documents: Db, entity: Entity, ids: number[]): Promise<StoredDocument[]> {
  const together = new Map(
    (await writtenTogether(documents, entity, ids)).map((one) => [one._id, one]),
  );
  const others = ids.filter((id) => !together.has(id));
  const found = await findIn(documents, entity, '_id', others);
  return byRisingId([...found, ...ids.flatMap((id) => together.get(id) ?? [])]);
}

/**
 * Reads documents that one transfer has written, if these are such documents. A transfer gives them timestamps that are
 * one millisecond apart, and such a range of the index of timestamps is read faster than long lists of ids. Documents
 * that were changed since, and documents with other ids, make the result incomplete or longer.
 */
async function writtenTogether(documents: Db, entity: Entity, ids: number[]) {
  if (ids.length <= limits.idsPerQuery) return [];
  const ends = [ids[0], ids.at(-1)].flatMap((id) => id ?? []);
  const [first, last] = await findIn(documents, entity, '_id', ends);
  const [from, to] = [first?.modified_at, last?.modified_at];
  if (!(from instanceof Date && to instanceof Date)) return [];
  const most = 2 * ids.length;
  const milliseconds = to.getTime() - from.getTime();
  if (milliseconds < 0 || milliseconds > most) return [];
  const within = { modified_at: { $gte: from, $lte: to } };
  return collection(documents, entity).find(within, { limit: most, batchSize: most }).toArray();
}

async function read({ documents }: Databases, entity: Entity, ids: number[]): Promise<Row[]> {
  return rowsIn(entity, await findByIds(documents, entity, ids));
}

async function readBy({ documents }: Databases, entity: Entity, field: string, targets: number[]) {
  return rowsIn(entity, await findIn(documents, entity, field, targets));
}

/**
 * Converts stored documents to rows and leaves out stubs (what is left of removed documents for a day). Stubs are rare,
 * so a check in JavaScript is cheaper than a condition in the query.
 */
const rowsIn = (entity: Entity, stored: StoredDocument[]) =>
  stored.flatMap((one) => (Number.isSafeInteger(one._id) ? (rowIn(entity, one) ?? []) : []));

/**
 * Yields all rows with ids above `after`, in order of id and in parts of `size` rows. One MongoDB
 * cursor reads them all.
 */
async function* walk({ documents }: Databases, entity: Entity, after: number, size: number) {
  const cursor = collection(documents, entity)
    .find({ _id: { $gt: after, $lte: Number.MAX_SAFE_INTEGER } }, { batchSize: size })
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

/** Reads the next rows in the order of their last change. Documents without a timestamp come before all others. */
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

/** Reads stored documents for code that writes them, including stubs (what is left of removed documents for a day). */
export async function readStored(documents: Db, entity: Entity, ids: number[]) {
  const stored = await findByIds(documents, entity, ids);
  return new Map(stored.map((one) => [one._id, one]));
}

async function find({ documents }: Databases, entity: Entity, query: Query): Promise<FoundRows> {
  const where = { $and: [present, readable, ...conditions(entity, query)] };
  const total = await collection(documents, entity).countDocuments(where);
  const found = sorted(collection(documents, entity).find(where), entity, query.sort);
  const stored = await found.skip(query.offset).limit(query.limit).toArray();
  return { rows: rowsIn(entity, stored), total };
}

/** Sorts documents by a field, then by id. */
function sorted<T>(found: FindCursor<T>, entity: Entity, { field: by, descending }: RowOrder) {
  const direction = descending ? -1 : 1;
  const field = by === 'id' ? '_id' : by;
  const ordered = found.sort({ [field]: direction, ...(field !== '_id' && { _id: direction }) });
  // The collation is set only to sort by a text field. Without it, conditions compare texts
  // exactly.
  return entity.fields[field]?.kind === 'text' ? ordered.collation(byPeople) : ordered;
}

async function findIds(
  { documents }: Databases,
  entity: Entity,
  query: RowFilter,
  sort: RowOrder = byId,
): Promise<number[]> {
  const where = { $and: [present, readable, ...conditions(entity, query)] };
  const found = collection(documents, entity).find(where).project<{ _id: number }>({ _id: 1 });
  return (await sorted(found, entity, sort).toArray()).map((one) => one._id);
}

/**
 * Returns the names of all documents. The caller picks the equal ones, because no collation of MongoDB ignores
 * invisible characters and different kinds of space.
 */
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

/** The row of a document; null if the document was removed or never existed. */
export const rowIn = (entity: Entity, stored: StoredDocument | undefined): Row | null =>
  stored && !stored.removed_at ? toRow(entity, stored) : null;

function toRow(entity: Entity, stored: StoredDocument): Row {
  const row: Draft<Row> = { id: stored._id, modified_at: '' };
  readModified(row, instantIn(stored.modified_at));
  for (const one of fieldEntries(entity)) readField(entity, row, one, ownValue(stored, one[0]));
  return row;
}
