// Copies production’s rows into this environment, in parts. Rows with pending changes in this environment are skipped
// and listed. A refresh can be stopped at any point and run again; a dry run only reports.
import { isDocument, keyText, type Entity } from '../catalog/entity.ts';
import { textOf } from '../catalog/fields.ts';
import { matchedByName, travelling } from '../catalog/index.ts';
import { uniqueFieldsOf } from '../catalog/unique-values.ts';
import { drawIds, raiseIds } from '../environments/ids.ts';
import { idsByName } from '../rows/names.ts';
import { failpoint } from '../database/failpoints.ts';
import type { Databases } from '../environments/environment.ts';
import { countRows, read, unreadable } from '../rows/store.ts';
import { readMappings } from '../state/name-mapping.ts';
import { promotionOrder } from '../catalog/order.ts';
import type { Change } from '../writing/changes.ts';
import { takingTurns } from '../writing/turns.ts';
import { isComparedByDigest } from '../comparison/chunks.ts';
import { inGroups } from './handovers.ts';
import { prepareByDigest, prepareByReading, sourceParts } from './prepare-part.ts';
import type { RefreshRun } from './refresh-run.ts';
import { addToReport, copyOf, emptyReport, keyOf, type Report } from './report.ts';
import { writePart, writePlanned } from './write-part.ts';

export type { Report } from './report.ts';

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
