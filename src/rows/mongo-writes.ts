// Writes a document only if all its fields are still as they were read (compare-and-set). Documents are written one by
// one, or many in one round trip.
import { isDeepStrictEqual } from 'node:util';
import { MongoBulkWriteError, type Db, type Filter } from 'mongodb';
import { fieldEntries, type Entity, type Row } from '../catalog/entity.ts';
import { collection, readStored, type Stamp, type StoredDocument } from './mongo.ts';

export function toStored(entity: Entity, row: Row, instant: string, stamp: Stamp): StoredDocument {
  const stored: StoredDocument = { _id: row.id, modified_at: new Date(instant), stamp };
  for (const [field] of fieldEntries(entity)) {
    if (row[field] !== undefined) stored[field] = row[field];
  }
  return stored;
}

const ours = new Set(['_id', 'modified_at', 'stamp', 'removed_at', 'temporary']);

/**
 * Returns the fields of a stored document that this version of Oneway does not know. Writes keep
 * these fields.
 */
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

/**
 * A document to write if the stored document still equals `expected`; `undefined` means that no
 * document may be stored.
 */
export type Replacement = { expected: StoredDocument | undefined; next: StoredDocument };

/**
 * Writes a document if the stored document still equals `expected` in every field. Returns whether
 * the document was written.
 */
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
  // The conditions are placed beside `_id`, not inside $and, because some servers would scan all
  // documents for $and.
  return { _id: next._id, ...Object.fromEntries(same) };
}

/**
 * Writes many documents in order, in one round trip, each only if the stored document is still as expected. Returns how
 * many were written before the first document that was refused because it had changed; later documents may have been
 * written, too.
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
    // Duplicate keys are handled below. Every other error is thrown, even a failed write concern (the document is
    // stored, but not every member has confirmed it).
    if (!isDuplicate(error)) throw error;
  }
  return replaceRest(documents, entity, replacements);
}

const isDuplicate = (error: unknown) =>
  error instanceof MongoBulkWriteError &&
  error.code === 11_000 &&
  error.result.getWriteConcernError() === undefined;

/** Writes the remaining documents one at a time, to find the document that is not as expected. */
async function replaceRest(documents: Db, entity: Entity, replacements: Replacement[]) {
  const ids = replacements.map(({ next }) => next._id);
  const now = await readStored(documents, entity, ids);
  // A document whose unique value (such as a name) goes to another document is in the list twice: first with a
  // temporary value, then with its final one. The stored timestamp shows which of the two writes was done.
  const done = new Map(
    replacements.flatMap(({ next }, index) =>
      isSameWrite(now.get(next._id), next) ? [[next._id, index] as const] : [],
    ),
  );
  for (const [index, replacement] of replacements.entries()) {
    if (index <= (done.get(replacement.next._id) ?? -1)) continue;
    if (!(await replaceEvenIfLate(documents, entity, replacement, replacements))) return index;
  }
  return replacements.length;
}

/** Replaces one document, also if an earlier attempt wrote it meanwhile. Returns whether the document was as expected. */
async function replaceEvenIfLate(
  documents: Db,
  entity: Entity,
  replacement: Replacement,
  all: Replacement[],
): Promise<boolean> {
  const ofEarlierAttempt = () => replaceLate(documents, entity, replacement.next, all);
  try {
    return (await replace(documents, entity, replacement)) || (await ofEarlierAttempt());
  } catch (error) {
    if (!isDuplicateKey(error) || !(await ofEarlierAttempt())) throw error;
    return true;
  }
}

const isDuplicateKey = (error: unknown) => (error as { code?: unknown }).code === 11_000;

/**
 * Replaces a document that an earlier attempt of the same worker has written late: the attempt stopped waiting, and the
 * slow server wrote the document afterwards. Such a late document has the content of one of `replacements`.
 */
async function replaceLate(
  documents: Db,
  entity: Entity,
  next: StoredDocument,
  replacements: Replacement[],
) {
  const late = (await readStored(documents, entity, [next._id])).get(next._id);
  const isOfEarlierAttempt = replacements.some((one) => isLate(late, one.next));
  return isOfEarlierAttempt && (await replace(documents, entity, { expected: late, next }));
}

const isLate = (late: StoredDocument | undefined, next: StoredDocument) =>
  isDeepStrictEqual({ ...late, modified_at: null }, { ...next, modified_at: null });

const isSameWrite = (now: StoredDocument | undefined, { stamp, modified_at: at }: StoredDocument) =>
  now?.stamp?.transfer === stamp?.transfer &&
  now?.stamp?.fence === stamp?.fence &&
  timeOf(now?.modified_at) === timeOf(at);

/**
 * Returns a stored timestamp in milliseconds since 1970, or 0 if another program stored a text or
 * number instead.
 */
const timeOf = (stored: unknown): number => (stored instanceof Date && stored.getTime()) || 0;

function refuseDuplicateId(error: unknown): boolean {
  const { code, keyPattern } = error as { code?: number; keyPattern?: Record<string, number> };
  // A duplicate `_id` means that the document already exists. MongoDB reports a duplicate in
  // another unique field with the name of that field; such an error is thrown.
  if (code === 11_000 && (!keyPattern || '_id' in keyPattern)) return false;
  throw error;
}
