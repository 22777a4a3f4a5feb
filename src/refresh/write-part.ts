// Writes the planned changes of one part of a refresh, with the images that they refer to, and reports the rows that
// were written, skipped or stored differently.
import { fieldEntries, type Entity, type Row } from '../catalog/entity.ts';
import { textOf } from '../catalog/fields.ts';
import { Conflict } from '../problems.ts';
import { copyImage } from '../storage/images.ts';
import type { Change } from '../writing/changes.ts';
import type { WrittenStep } from '../writing/journal.ts';
import type { Turn } from '../writing/turns.ts';
import { writeHere } from '../writing/write-here.ts';
import { inGroups, withHandovers } from './handovers.ts';
import type { PartPlan } from './plan-part.ts';
import type { RefreshRun } from './refresh-run.ts';
import { skipRow, LISTED, listOverwritten, listStoredDifferently, type Report } from './report.ts';

/**
 * The recorded author of rows that a refresh writes. The refresh job records the person who started
 * the refresh.
 */
const author = { email: 'refresh', isProductManager: true };

type Writing = RefreshRun & { turn?: Turn };

/**
 * Writes the planned changes of a part, together with rows of later parts that must first free a unique value, such as
 * a name. `early` collects the ids of those rows of later parts, so that they are not written twice. Returns the plan
 * with the written changes.
 */
export async function writePlanned(
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
export async function writePart(
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
