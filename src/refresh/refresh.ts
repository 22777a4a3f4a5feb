// Copies production’s rows into this environment, in parts. Rows with pending changes in this environment are skipped
// and listed. A refresh can be stopped at any point and run again; a dry run only reports.
import { fieldEntries, isDocument, keyText, type Entity, type Row } from '../catalog/entity.ts';
import { textOf } from '../catalog/fields.ts';
import { matchedByName, travelling } from '../catalog/index.ts';
import { uniqueFieldsOf } from '../catalog/unique-values.ts';
import { CHUNK_SIZE, highestIds } from '../rows/row-hashes.ts';
import { drawIds, raiseIds } from '../environments/ids.ts';
import { idsByName } from '../rows/names.ts';
import { failpoint } from '../database/failpoints.ts';
import { refuseWhileUpdating } from '../environments/updating.ts';
import type { Databases, Environment } from '../environments/environment.ts';
import { countRows, read, unreadable, walk } from '../rows/store.ts';
import { readMappings } from '../state/name-mapping.ts';
import { promotionOrder } from '../catalog/order.ts';
import type { WrittenStep } from '../writing/journal.ts';
import type { Change } from '../writing/changes.ts';
import { writeHere } from '../writing/write-here.ts';
import { takingTurns, type Turn } from '../writing/turns.ts';
import { ahead, batches, isComparedByDigest, prefetch } from '../comparison/chunks.ts';
import { Conflict } from '../problems.ts';
import { copyImage } from '../storage/images.ts';
import { keysOf } from '../state/recorded.ts';
import { recordPart } from './sync-state.ts';
import { inGroups, withHandovers } from './handovers.ts';
import { planRefresh, type PartPlan } from './plan-part.ts';
import { tableParts, type TablePart } from './table-parts.ts';
import {
  addToReport,
  copyOf,
  emptyReport,
  keyOf,
  skipRow,
  LISTED,
  listOverwritten,
  listStoredDifferently,
  type Report,
} from './report.ts';

export type { Report } from './report.ts';

/**
 * The recorded author of rows that a refresh writes. The refresh job records the person who started
 * the refresh.
 */
const author = { email: 'refresh', isProductManager: true };
/** A refresh reads and writes this many rows at once. Tests lower the number. */
export const parts = { size: 1000 };

export type RefreshRun = {
  here: Environment;
  /**
   * The next environment, to which this environment sends rows; null if there is none. For a row that is equal in both
   * after the refresh, its content is recorded as the base (last equal content).
   */
  there: Environment | null;
  source: Environment;
  lease: number;
  /** Whether to report only what the refresh would do, without writing. */
  dryRun?: boolean;
  /**
   * Called after each part of the rows with the report so far; a stopped refresh continues from that report.
   */
  progress?: (done: { entity: Entity; report: Report }) => void | Promise<void>;
  /** The report of an interrupted attempt, from which this one continues. */
  former?: Report | null;
};

type Writing = RefreshRun & { turn?: Turn };

/** Counts production’s rows, to show the progress of the refresh. */
export async function countSourceRows(source: Databases): Promise<number> {
  let all = 0;
  for (const entity of [...matchedByName, ...travelling]) all += await countRows(source, entity);
  return all;
}

export async function runRefresh(from: RefreshRun): Promise<Report> {
  const report = from.former ?? emptyReport();
  const entities = [...matchedByName, ...promotionOrder(travelling)];
  const begun = entities.findIndex(({ name }) => name === report.at.entity);
  for (const entity of entities.slice(Math.max(begun, 0))) {
    if (entity.name !== report.at.entity) {
      report.at = { ...report.at, entity: entity.name, after: 0 };
      report.unreadable = [
        ...(report.unreadable ?? []),
        ...(await unreadable(from.source, entity)),
      ];
    }
    if (entity.isMatchedByName) await refreshNames(from, entity, report);
    else await refreshRows(from, entity, report);
  }
  return report;
}

/** Reads the rows of production in parts of `parts.size` rows. */
async function* sourceParts({ here, source }: RefreshRun, entity: Entity, after: number) {
  for await (const rows of walk(source, entity, after, parts.size)) {
    await refuseWhileUpdating(here, source);
    yield rows;
  }
}

/**
 * Copies rows of entities that are matched by name, such as cities (`Pune`). A new row gets the id that it has in
 * production, unless another row of this environment has that id.
 */
async function refreshNames(from: RefreshRun, entity: Entity, report: Report) {
  const { here, dryRun, progress } = from;
  for await (const rows of sourceParts(from, entity, report.at.after)) {
    const known = await idsByName(
      here.sql,
      entity.name,
      rows.map((row) => textOf(row['name'])),
    );
    const fresh = rows.filter((row) => !known.has(textOf(row['name']).normalize('NFC')));
    const taken = await read(
      here,
      fresh.map((row) => keyOf(entity, row)),
    );
    const changes: Change[] = [];
    for (const row of fresh) {
      const isTaken = taken.has(keyText(keyOf(entity, row)));
      const id = isTaken && !dryRun ? await drawIds(here, entity.name) : row.id;
      changes.push({ entity, before: null, after: { ...row, id } });
    }
    report.same += rows.length - fresh.length;
    await writePart(from, entity, inGroups(changes), report);
    const ids = rows.map((row) => row.id);
    if (!dryRun) await raiseIds(here, entity.name, ids);
    report.at = { ...report.at, after: ids.at(-1) ?? 0, all: report.at.all + rows.length };
    await progress?.({ entity, report });
  }
}

/**
 * A part of production’s rows, with the plan for each row. `keep` records, after the rows were written, how they relate
 * to the next environment (their sync state).
 */
type PreparedPart = {
  decided: PartPlan;
  /**
   * `rows`: how many rows of production are in this part. `after`: the last id of the part. `highest`: the highest ids
   * of the part; rows that are added to this environment later get higher ids.
   */
  rows: number;
  after: number;
  highest: number[];
  keep: (done: PartPlan) => Promise<void>;
};

/**
 * Copies the rows of one entity from production, in parts. While a part is written, the next part is planned, and the
 * sync state of the rows of the previous part (how they relate to the next environment) is recorded.
 */
async function refreshRows(from: RefreshRun, entity: Entity, report: Report) {
  const { here, dryRun, progress } = from;
  const isByDigest = isComparedByDigest(entity, await readMappings(here.sql));
  const prepare = isByDigest ? prepareByDigest : prepareByReading;
  const early = new Set<number>();
  const turn = takingTurns();
  let recorded = Promise.resolve();
  let isWhole = true;
  try {
    for await (const part of prepare(from, entity, report.at.after)) {
      const own = emptyReport();
      own.same = part.rows - part.decided.rows.length;
      const writing = writePlanned({ ...from, turn }, entity, part.decided, { report: own, early });
      writing.catch(() => {});
      if (!isOverlapping(entity)) await writing;
      const keep = async () => {
        const done = await writing;
        await failpoint('part written');
        if (!dryRun) {
          await raiseIds(here, entity.name, part.highest);
          await part.keep(done);
        }
        // If a former part was not written or recorded, a refresh that continues from this report must begin there.
        if (!isWhole) return;
        addToReport(report, own);
        report.at = { ...report.at, after: part.after, all: report.at.all + part.rows };
        await progress?.({ entity, report: copyOf(report) });
      };
      const former = recorded;
      // Even if the refresh is cancelled now, the sync state of the rows that are already written must be recorded.
      recorded = inTurn(former, keep);
      recorded.catch(() => (isWhole = false));
      await former;
    }
  } catch (error) {
    await recorded.catch(() => {});
    throw error;
  }
  await recorded;
}

/**
 * Whether a part is claimed and checked while the former part is being written. MySQL rows are written in a single
 * transaction, so there is nothing to overlap. Rows with unique values may wait for the values of former parts.
 */
const isOverlapping = (entity: Entity) => isDocument(entity) && uniqueFieldsOf(entity).length === 0;

/**
 * Waits for `first`, and then runs `second` even if `first` was rejected. Throws the error of `first` afterwards.
 */
async function inTurn(first: Promise<void>, second: () => Promise<void>) {
  try {
    await first;
  } catch (error) {
    await second();
    throw error;
  }
  await second();
}

/**
 * Plans the refresh of an entity by reading all its rows in production. MongoDB collections need this, because no
 * digests are computed for them. Tables need it if name mappings translate their linked names, because equal rows then
 * have different digests.
 */
const prepareByReading = (from: RefreshRun, entity: Entity, after: number) => {
  // The sync state of the rows is recorded with the time at which the refresh of this entity started, so that it never
  // replaces a newer state that another process records meanwhile.
  const at = new Date().toISOString();
  return prefetch(sourceParts(from, entity, after), async (rows): Promise<PreparedPart> => {
    const ids = rows.map(({ id }) => id);
    return {
      decided: await planRefresh(from, entity, rows),
      rows: rows.length,
      after: ids.at(-1) ?? 0,
      highest: ids,
      keep: (done) => recordPart(from, entity, done, at),
    };
  });
};

/**
 * Plans the refresh of a table by comparing digests (one hash for many rows). Reads only the rows that differ from
 * production’s, and the rows that are not recorded yet as equal in this environment and the next one.
 */
async function* prepareByDigest(
  from: RefreshRun,
  entity: Entity,
  after: number,
): AsyncGenerator<PreparedPart> {
  const { here, source, dryRun } = from;
  if (!dryRun)
    await raiseIds(here, entity.name, await highestIds(source.sql, entity, here.rules.ids));
  const there = dryRun || from.there === source ? null : from.there;
  const sides = there ? [here, source, there] : [here, source];
  const walk = {
    from: after + 1,
    along: 1,
    withSyncState: !dryRun && from.there !== null,
    withCertainty: false,
  };
  const parts = tableParts(here, entity, ahead(batches(entity, sides, walk)), walk);
  yield* prefetch(parts, (part) => preparePart(from, entity, part));
}

async function preparePart(
  from: RefreshRun,
  entity: Entity,
  { at, last, ids, here, rows }: TablePart,
): Promise<PreparedPart> {
  const found = await read(from.source, keysOf(entity.name, ids));
  return {
    decided: await planRefresh(from, entity, [...found.values()], (id) => here.has(id)),
    rows,
    after: (last + 1) * CHUNK_SIZE - 1,
    highest: ids,
    keep: (done) => recordPart(from, entity, done, at),
  };
}

/**
 * Writes the planned changes of a part, together with rows of later parts that must first free a unique value, such as
 * a name. `early` collects the ids of those rows of later parts, so that they are not written twice. Returns the plan
 * with the written changes.
 */
async function writePlanned(
  from: Writing,
  entity: Entity,
  part: PartPlan,
  { report, early }: { report: Report; early: Set<number> },
) {
  const isEarly = ({ after }: Change) => after !== null && early.has(after.id);
  const left = part.changes.filter((change) => !isEarly(change));
  const decided = await withHandovers(from, entity, { ...part, changes: left });
  report.same += decided.same.length;
  for (const { row, why } of decided.skipped) skipRow(report, entity, row, why);
  listOverwritten(report, decided.changes);
  const written = await writePart(from, entity, inGroups(decided.changes), report);
  const own = new Set(part.rows.map(({ id }) => id));
  for (const { after } of written) if (after && !own.has(after.id)) early.add(after.id);
  return { ...decided, changes: [...written, ...part.changes.filter(isEarly)] };
}

/**
 * Copies the images that changed rows refer to, before the rows are written. The file name of an image is computed from
 * its content, so an image whose row is not written afterwards does no harm.
 */
async function copyImagesOf({ here, source }: RefreshRun, changes: Change[], report: Report) {
  for (const { entity, after } of changes) {
    for (const [field, { kind }] of fieldEntries(entity)) {
      const name = kind === 'image' && after ? textOf(after[field]) : '';
      if (name === '' || (await copyImage(source.storage, here.storage, name))) continue;
      if (report.missingImages.length < LISTED) {
        report.missingImages.push(`${entity.label.one} ${after?.id}: ${name}`);
      }
    }
  }
}

/**
 * Writes the changes of a part. If the database refuses them, each half is tried separately, and so on, until only the
 * refused rows remain; these are skipped. Rows that pass unique values on to each other stay in one half. Returns the
 * changes that were written (in a dry run: would be written).
 */
async function writePart(
  from: Writing,
  entity: Entity,
  groups: Change[][],
  report: Report,
): Promise<Change[]> {
  const changes = groups.flat();
  if (changes.length === 0) return [];
  try {
    const stored = from.dryRun ? new Map() : await storePart(from, entity, changes, report);
    for (const { before } of changes) report[before ? 'updated' : 'created'] += 1;
    return changes.map((change) => ({
      ...change,
      after: stored.get(change.after?.id) ?? change.after,
    }));
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    if (groups.length === 1) {
      for (const { after } of changes) skipRow(report, entity, after as Row, error.message);
      return [];
    }
    const half = Math.ceil(groups.length / 2);
    return [
      ...(await writePart(from, entity, groups.slice(0, half), report)),
      ...(await writePart(from, entity, groups.slice(half), report)),
    ];
  }
}

/**
 * Writes rows in one transaction if possible. Returns, by id, the rows that the database stored
 * differently than sent.
 */
async function storePart(from: Writing, entity: Entity, changes: Change[], report: Report) {
  const stored = new Map<number | undefined, Row>();
  const onStoredDifferently = (steps: WrittenStep[]) => {
    listStoredDifferently(report, entity, steps);
    for (const step of steps) if (step.remark?.stored) stored.set(step.id, step.remark.stored);
  };
  const to = { ...from, onStoredDifferently };
  await copyImagesOf(from, changes, report);
  const name = `Refresh: ${entity.label.many.toLowerCase()}`;
  const naming = { kind: 'refresh', name } as const;
  await writeHere(to, author, changes, naming);
  return stored;
}
