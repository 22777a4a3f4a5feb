// Filters and sort orders of MongoDB queries.
import type { CollationOptions, Document, Sort } from 'mongodb';
import { fieldEntries, type Entity } from '../catalog/entity.ts';
import { BEGINNING } from '../catalog/misfits.ts';
import type { Cursor, RowFilter } from './query.ts';
import { idIn, searchPatterns } from './search-pattern.ts';

/**
 * Matches documents that exist. A removed document stays for a day as a stub with the time `removed_at`, and is not
 * matched.
 */
export const present: Document = { removed_at: null };

/**
 * Matches documents whose `_id` is a number, as the id of every row is. Other programs may store documents with other
 * ids, such as texts; Oneway never reads these as rows.
 */
export const readable = { _id: { $gte: 0, $lte: Number.MAX_SAFE_INTEGER } };

/** The sort order of texts, which ignores case and accents. */
export const byPeople: CollationOptions = { locale: 'en', strength: 1 };

/**
 * A search pattern may have at most this many characters, because some servers that speak MongoDB’s
 * protocol refuse longer ones.
 */
const LONGEST_PATTERN = 1000;

export function conditions(entity: Entity, query: RowFilter): Document[] {
  const all: Document[] = [];
  if (query.ids) all.push({ _id: { $in: query.ids } });
  const { from, to } = query.modified ?? { from: null, to: null };
  if (from !== null) all.push({ modified_at: { $gte: new Date(from) } });
  if (to !== null) all.push({ modified_at: { $lt: new Date(to) } });
  for (const [field, value] of Object.entries(query.filters)) all.push({ [field]: value });
  const patterns = searchPatterns(query.search, LONGEST_PATTERN);
  if (patterns.length > 0) {
    const any: Document[] = fieldEntries(entity)
      .filter(([, definition]) => definition.search)
      .map(([field]) => ({ $and: patterns.map((pattern) => ({ [field]: { $regex: pattern } })) }));
    const id = idIn(query.search);
    if (id !== null) any.push({ _id: id });
    all.push({ $or: any });
  }
  return all;
}

const LAST = new Date('9999-12-31T23:59:59.999Z');

/**
 * Returns the conditions of up to two queries for changed documents, to run one after the other:
 * first documents without a timestamp, then documents that changed after the cursor (the last row
 * that an app has read).
 */
export function changedAfter({ modifiedAfter, after }: Cursor): { where: Document; order: Sort }[] {
  const instant = new Date(modifiedAfter);
  const dated = (condition: Document) => ({
    modified_at: { ...condition, $lte: LAST, $not: { $type: 'array' } },
  });
  const later = {
    where: {
      $or: [dated({ $gt: instant }), { ...dated({ $gte: instant }), _id: { $gt: after } }],
    },
    order: { modified_at: 1, _id: 1 },
  } as const;
  if (modifiedAfter > BEGINNING) return [later];
  const beginning = new Date(BEGINNING);
  return [
    { where: { _id: { $gt: after }, $nor: [dated({ $gt: beginning })] }, order: { _id: 1 } },
    { where: dated({ $gt: beginning }), order: later.order },
  ];
}

/**
 * Returns the stored timestamp of a document as text; null if the document has none; a description
 * if the stored value is no timestamp.
 */
export function instantIn(stored: unknown): string | null {
  if (stored === undefined || stored === null) return null;
  const isDate = stored instanceof Date && !Number.isNaN(stored.getTime());
  if (!isDate) return `not an instant: ${JSON.stringify(stored) ?? ''}`.slice(0, SHOWN);
  const isStorable = stored > new Date(BEGINNING) && stored <= LAST;
  const isBeginning = stored.getTime() === 0;
  return isStorable || isBeginning ? stored.toISOString() : `beyond all years: ${stored.getTime()}`;
}

const SHOWN = 200;
