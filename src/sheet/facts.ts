// The facts that a plan is based on: the rows of both sides, and everything at the destination that could cause a
// problem. Nothing is written at the destination.
import { isDocument, keyText, type LinkedName, type Row, type RowKey } from '../catalog/entity.ts';
import { matchedByName } from '../catalog/index.ts';
import { textOf } from '../catalog/fields.ts';
import { first, snapshot, sql, type Queryable } from '../database/sql.ts';
import { hasImage } from '../storage/images.ts';
import { rulesOf, type EnvironmentName } from '../environments/rules.ts';
import { readColumns, type ColumnsByTable } from '../rows/table-columns.ts';
import { idsByName, idsSpelled, namesOf, rowsNamed, type IdsByEntity } from '../rows/names.ts';
import type { Databases, Environment } from '../environments/environment.ts';
import { read } from '../rows/store.ts';
import { referencingRows, type Reference } from '../rows/references.ts';
import { readStates, type RowState } from '../state/row-state.ts';
import { SyncState } from '../state/sync-state.ts';
import { readVersion, type DatabaseVersion } from '../version/metadata.ts';
import { onRows, type Claim } from '../writing/claims.ts';
import { readClock, type Clock } from '../state/clock.ts';
import { settleAll } from '../settle-all.ts';
import {
  compareParents,
  comparePairs,
  recordObservations,
  type RowPair,
} from '../comparison/compare-pairs.ts';
import { nameThere, readMappings, reversed, type Mappings } from '../state/name-mapping.ts';
import { mirrored, type Status } from '../state/status.ts';
import { testStatusOf, type TestStatus } from '../state/test-results.ts';
import type { Step } from '../writing/journal.ts';
import { ownerOf, parentsOf } from '../catalog/family.ts';
import { gatherHolders, type OtherHolder } from './holders.ts';
import { linkedNames, missingInDatasets } from './linked-names.ts';
import { imagesOf } from './images.ts';
import { pairsToTakeOver } from './pairs-to-take-over.ts';

export type Facts = {
  from: EnvironmentName;
  to: EnvironmentName;
  chosen: RowKey[];
  pairs: Map<string, RowPair>;
  /** The ids of the destination’s cities and partners with a linked name, by entity and name. */
  names: IdsByEntity;
  /**
   * For a linked name that the destination has only in another spelling: its spellings at the destination, by
   * `<entity>:<name>`.
   */
  otherSpellings: Map<string, string[]>;
  /**
   * For each linked name that the destination lacks, the datasets (tables loaded from data files) in this environment
   * that contain the name, by `<entity>:<name>`. A name has no entry if no dataset has names of its entity.
   */
  namesInDatasets: Map<string, string[]>;
  /**
   * The cities and partners here with which planned rows are linked, by `<entity>:<name>` with the
   * name at the destination.
   */
  namesHere: Map<string, Row>;
  columns: ColumnsByTable;
  version: DatabaseVersion | null;
  versionHere: string | null;
  claims: Claim[];
  /**
   * The id of the row that has a unique value at the destination, by entity, field and value: `form.name:address`.
   */
  holders: Map<string, number>;
  /** Rows outside the plan that hold a unique value which the plan needs, by key text (`task:12`). */
  otherHolders: Map<string, OtherHolder>;
  /**
   * Rows at the destination that reference a row of the plan; for a row that is removed, also those that reference its
   * dependent rows.
   */
  references: Reference[];
  /** What the destination recorded about each of its rows: who changed it, and when. */
  statesThere: Map<string, RowState>;
  /**
   * Test results by key text (`task:12`) of the topmost parent row; empty for a takeover, and if the sending
   * environment does not test rows.
   */
  tested: Map<string, TestStatus>;
  /** The sender, if the settings require that someone else has tested the rows; otherwise null. */
  testedForSender: string | null;
  missingImages: Set<string>;
  /**
   * The clock row of the destination, from which rows there get their timestamps (see
   * state/clock.ts); null if it was not read.
   */
  clock?: Clock | null;
  /** Whether this is a takeover: rows are fetched from the next environment and written into this one. */
  isTakeover?: boolean;
  /** Whether the rows are written to the environment of the page, and come from another one or from its history. */
  isWrittenHere?: boolean;
  /** The host name of this environment, which texts must not contain. */
  hostHere: string | null;
  /** The host names of the other environments, which texts must not contain either. */
  otherHosts?: Partial<Record<EnvironmentName, string>>;
};

/**
 * Returns the status of a pair for display. A takeover compares a pair with both sides exchanged, so its status is
 * mirrored.
 */
export const shownStatus = ({ isTakeover }: Facts, { status }: RowPair): Status | null =>
  isTakeover ? status && mirrored[status] : status;

export type FactsQuery = {
  /** The rows that a person chose, and the referenced rows that they added on the sheet. */
  chosen: RowKey[];
  include: RowKey[];
  /**
   * Returns the row as the transfer would leave it at the destination; null if the transfer removes
   * the row, undefined if the transfer does not include the row.
   */
  planned: (pair: RowPair) => Row | null | undefined;
  /**
   * For a row outside the plan: returns the row as it would be at the destination if the user added
   * it to the transfer.
   */
  plannedAlong: (pair: RowPair) => Row | null | undefined;
  hostHere: string | null;
  otherHosts?: Facts['otherHosts'];
  testedForSender?: string | null;
  /**
   * The environment that stores the sync state (what was last observed of each row), if the sending
   * environment does not store it.
   */
  syncStateIn?: Environment;
  /** Whether this is a takeover: rows are fetched from the next environment and written into this one. */
  isTakeover?: boolean;
};

export async function gatherFacts(
  here: Environment,
  there: Environment,
  question: FactsQuery,
): Promise<Facts> {
  const { chosen, planned } = question;
  const asStep = planning(planned);
  const at = new Date().toISOString();
  // The rows here are read at one point in time. The rows at the destination need not be, because
  // the transfer checks them again after it has claimed (reserved) them.
  const { pairs, namesHere, claimsHere } = await atOneMoment(here, async (place) => {
    const mappings = await readMappings(question.isTakeover ? there.sql : place.sql);
    const basesIn = basesOf(here, place, question);
    const sides = { here: place, there, mappings, basesIn };
    const seen = await comparePairsWithParents(sides, question);
    const sent = question.isTakeover ? reversed(mappings) : mappings;
    const linked = await linkedRows(place, sent, [...seen.values()].map(asStep));
    return { pairs: seen, namesHere: linked };
  });
  if (!question.syncStateIn) await recordObservations(here, pairs.values(), at);
  const steps = [...pairs.values()].map(asStep);
  // None of these queries needs the result of another one, so they run in parallel.
  const [
    { names, otherSpellings },
    columns,
    version,
    versionHere,
    claims,
    { holders, otherHolders },
    uses,
    statesThere,
    tested,
    missingImages,
    clock,
  ] = await settleAll([
    namesThere(there, linkedNames(steps)),
    readColumns(there.sql),
    readVersion(there.documents),
    readVersion(here.documents),
    onRows(there.sql, steps),
    gatherHolders(
      { here, there, basesIn: basesOf(here, here, question) },
      steps,
      question.plannedAlong,
    ),
    referencesThere(there, steps),
    readStates(there.sql, steps),
    // A takeover reads no test results: the database user for the next environment has no right to read them there.
    rulesOf(here.name).isTested && !question.isTakeover
      ? testStatusOf(here, rootsOf(pairs))
      : new Map<string, TestStatus>(),
    imagesMissing(here, steps),
    readClock(there.sql),
  ]);
  const namesInDatasets = await missingInDatasets(
    question.syncStateIn ?? here,
    linkedNames(steps),
    names,
  );
  return {
    from: here.name,
    to: there.name,
    chosen,
    pairs,
    names,
    namesInDatasets,
    otherSpellings,
    namesHere,
    columns,
    version,
    versionHere: versionHere?.databaseVersion ?? null,
    claims: [...claimsHere, ...claims],
    holders,
    otherHolders,
    references: uses,
    statesThere,
    tested,
    testedForSender: question.testedForSender ?? null,
    missingImages,
    clock,
    isTakeover: question.isTakeover ?? false,
    isWrittenHere: question.syncStateIn !== undefined,
    hostHere: question.hostHere,
    otherHosts: question.otherHosts ?? {},
  };
}

/**
 * Reads rows and documents at one point in time. The database snapshot covers only MySQL. So after documents were read,
 * the row of the table `clock`, which every write changes, is compared with that of the snapshot: if it changed, another
 * write ended meanwhile, and everything is read again. The claims (reservations by writes that are still running) on the
 * rows are returned, too.
 */
async function atOneMoment<T extends { pairs: Map<string, RowPair> }>(
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

const rootsOf = (pairs: Map<string, RowPair>): RowKey[] =>
  [...pairs.values()].flatMap(({ entity, here, key }) => (here && !entity.owner ? [key] : []));

/**
 * Returns a function that makes a provisional step (row before and after the transfer) for a pair of rows, because some
 * queries need steps before the plan exists.
 */
const planning =
  (planned: FactsQuery['planned']) =>
  (pair: RowPair): Step => {
    const after = planned(pair);
    const action = after === undefined ? 'same' : after === null ? 'remove' : 'update';
    const common = {
      ...pair.key,
      title: '',
      because: null,
      excludedFields: [],
      before: pair.there,
    };
    return { ...common, action, after: after ?? null };
  };

/**
 * Returns the database whose sync state has the bases of the rows. For an undo of a write into `here`, this is `place`,
 * so that the bases and the rows are read in the same transaction.
 */
const basesOf = (here: Environment, place: Databases, { syncStateIn }: FactsQuery) =>
  syncStateIn && syncStateIn !== here ? syncStateIn.sql : place.sql;

type Sides = { here: Databases; there: Environment; mappings: Mappings; basesIn: Queryable };

/** Reads rows and all rows that they reference, directly or indirectly, with one query per level. */
async function comparePairsWithParents(
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
    const parents = round
      .flatMap((pair) => [
        ...parentsOf(pair.entity, planned(pair) ?? null),
        ...parentsOf(pair.entity, pair.here),
      ])
      .filter((key) => !pairs.has(keyText(key)));
    const owners = round.flatMap((pair) =>
      [planned(pair), pair.here].flatMap((row) => (row && ownerOf(pair.entity, row)) ?? []),
    );
    const found =
      parents.length > 0 ? await parentPairs(parents, owners) : new Map<string, RowPair>();
    for (const [text, pair] of found) if (!pairs.has(text)) pairs.set(text, pair);
    round = [...found.values()];
  }
  return pairs;
}

/** Reads the rows here that planned rows are linked with, by `<entity>:<name at the destination>`. */
async function linkedRows(
  here: Databases,
  mappings: Mappings,
  steps: Step[],
): Promise<Map<string, Row>> {
  const links = linkedNames(steps);
  const rows = new Map<string, Row>();
  for (const { name: kind } of matchedByName) {
    const wanted = namesOf(kind, links);
    const mapped = [...mappings].flatMap(([key, theirs]) =>
      key.startsWith(`${kind}:`) && wanted.includes(theirs) ? [key.slice(kind.length + 1)] : [],
    );
    const ids = await idsByName(here.sql, kind, [...wanted, ...mapped]);
    const keys = [...ids.values()].flatMap(([id]) =>
      id === undefined ? [] : [{ entity: kind, id }],
    );
    for (const row of (await read(here, keys)).values()) {
      rows.set(`${kind}:${nameThere(mappings, kind, textOf(row['name']))}`, row);
    }
  }
  return rows;
}

/** Finds the rows with linked names at the destination, with one parallel query for each entity. */
async function namesThere(
  there: Environment,
  linked: LinkedName[],
): Promise<Pick<Facts, 'names' | 'otherSpellings'>> {
  const names: IdsByEntity = new Map();
  const otherSpellings: Facts['otherSpellings'] = new Map();
  await settleAll(
    matchedByName.map(async ({ name: kind }) => {
      const found = await rowsNamed(there.sql, kind, namesOf(kind, linked));
      names.set(kind, idsSpelled(found));
      for (const [name, rows] of found) {
        if (!names.get(kind)?.has(name)) {
          otherSpellings.set(
            `${kind}:${name}`,
            rows.map((row) => row.name),
          );
        }
      }
    }),
  );
  return { names, otherSpellings };
}

async function referencesThere(there: Environment, steps: Step[]): Promise<Reference[]> {
  const standing = steps.filter(({ before, action }) => before !== null && action !== 'same');
  const [gone, stays] = [
    standing.filter(({ action }) => action === 'remove'),
    standing.filter(({ action }) => action !== 'remove'),
  ];
  return [
    ...(await referencingRows(there, gone, { under: true })),
    ...(await referencingRows(there, stays, { under: false })),
  ];
}

async function imagesMissing(here: Environment, steps: Step[]): Promise<Set<string>> {
  const names = new Set(steps.flatMap(imagesOf).map((image) => image.name));
  const missing = new Set<string>();
  for (const name of names) if (!(await hasImage(here.storage, name))) missing.add(name);
  return missing;
}
