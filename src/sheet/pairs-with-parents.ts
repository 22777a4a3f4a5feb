// Pairs of the rows that a plan is based on and of all rows that they reference, with the rows here read at one point in
// time.
import { isDocument, keyText, type Row, type RowKey } from '../catalog/entity.ts';
import { first, snapshot, sql, type Queryable } from '../database/sql.ts';
import type { Databases, Environment } from '../environments/environment.ts';
import { SyncState } from '../state/sync-state.ts';
import type { Claim } from '../writing/claimed-rows.ts';
import { onRows } from '../writing/claims.ts';
import { compareParents, comparePairs, type RowPair } from '../comparison/compare-pairs.ts';
import type { Mappings } from '../state/name-mapping.ts';
import { ownerOf, parentsOfAll } from '../catalog/family.ts';
import type { FactsQuery } from './facts.ts';
import { pairsToTakeOver } from './pairs-to-take-over.ts';

type Sides = { here: Databases; there: Environment; mappings: Mappings; basesIn: Queryable };

/** Reads rows and all rows that they reference, directly or indirectly, with one query per level. */
export async function comparePairsWithParents(
  { here, there, mappings, basesIn }: Sides,
  question: FactsQuery,
) {
  const { chosen, include, planned } = question;
  const known = { basesIn, mappings, syncState: new SyncState() };
  const taken = (keys: RowKey[]) =>
    question.isTakeover ? pairsToTakeOver({ here: there, there: here, mappings }, keys) : null;
  const chosenPairs = (keys: RowKey[]) => taken(keys) ?? comparePairs(here, there, keys, known);
  const parentPairs = (keys: RowKey[], owners: RowKey[]) =>
    taken(keys) ?? compareParents({ here, there, ...known }, keys, owners);
  const pairs = await chosenPairs([...chosen, ...include]);
  let round = [...pairs.values()];
  while (round.length > 0) {
    const rows = round.flatMap((pair) => rowsOf(pair, planned(pair)));
    const parents = parentsOfAll(rows).filter((key) => !pairs.has(keyText(key)));
    const owners = rows.flatMap(({ entity, row }) => ownerOf(entity, row) ?? []);
    const found =
      parents.length > 0 ? await parentPairs(parents, owners) : new Map<string, RowPair>();
    for (const [text, pair] of found) if (!pairs.has(text)) pairs.set(text, pair);
    round = [...found.values()];
  }
  return pairs;
}

/** The row of a pair here, and the row as it is sent, which mostly is the same. */
const rowsOf = ({ entity, here }: RowPair, sent: Row | null | undefined) =>
  (sent === here ? [here] : [sent, here]).flatMap((row) => (row ? [{ entity, row }] : []));

/**
 * Returns the database whose sync state has the bases of the rows. For an undo of a write into `here`, this is `place`,
 * so that the bases and the rows are read in the same transaction.
 */
export const basesOf = (here: Environment, place: Databases, { syncStateIn }: FactsQuery) =>
  syncStateIn && syncStateIn !== here ? syncStateIn.sql : place.sql;

/**
 * Reads rows and documents at one point in time. The database snapshot covers only MySQL. So after documents were read,
 * the row of the table `clock`, which every write changes, is compared with that of the snapshot: if it changed, another
 * write ended meanwhile, and everything is read again. The claims (reservations by writes that are still running) on the
 * rows are returned, too.
 */
export async function atOneMoment<T extends { pairs: Map<string, RowPair> }>(
  here: Environment,
  look: (place: Databases) => Promise<T>,
): Promise<T & { claimsHere: Claim[] }> {
  for (let attempt = 1; ; attempt += 1) {
    const seen = await snapshot(here.sql, async (on) => {
      const found = await look({ sql: on, documents: here.documents });
      const hasDocuments = [...found.pairs.values()].some(({ entity }) => isDocument(entity));
      return { ...found, clock: hasDocuments ? await clockOf(on) : null };
    });
    const claimsHere = await onRows(
      here.sql,
      [...seen.pairs.values()].map(({ key }) => key),
    );
    const isOver = seen.clock === null || attempt === ATTEMPTS;
    if (isOver || (await clockOf(here.sql)) === seen.clock) return { ...seen, claimsHere };
  }
}

const ATTEMPTS = 5;

const clockOf = async (on: Queryable) =>
  (await first<{ instant: string }>(on, sql`select instant from clock where name = 'clock'`))
    ?.instant;
