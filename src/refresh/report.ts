// The report of a refresh or a dry run.
import { differingFields } from '../catalog/content.ts';
import { labelOf, titleOf, type Entity, type Row, type RowKey } from '../catalog/entity.ts';
import type { WrittenStep } from '../writing/journal.ts';
import type { Change } from '../writing/changes.ts';

type SkippedRow = { key: RowKey; title: string; why: string };
type Overwritten = { key: RowKey; title: string; fields: string[] };
export type Report = {
  created: number;
  updated: number;
  same: number;
  /**
   * The number of rows that were skipped, for example because of pending changes in this environment. `skippedRows`:
   * the first of these rows, each with the reason.
   */
  skipped: number;
  skippedRows: SkippedRow[];
  /**
   * The first rows of this environment whose content production’s content has replaced (in a dry run: would replace),
   * with the changed fields.
   */
  overwritten: Overwritten[];
  /**
   * The first rows that this environment’s database stored differently than they were sent, with the differing fields.
   * Reports that former versions of Oneway stored lack this list.
   */
  storedDifferently?: Overwritten[];
  /**
   * Names of images that production’s rows refer to, but that are missing in production’s storage.
   */
  missingImages: string[];
  /**
   * Documents of production that cannot be read because their `_id` is no whole number, such as an ObjectId. Reports
   * that former versions of Oneway stored lack this list.
   */
  unreadable?: string[];
  /**
   * Where an interrupted refresh continues: the entity, the last id that is done, and the number of
   * rows done in all entities.
   */
  at: { entity: string; after: number; all: number };
};

export const LISTED = 500;

export const emptyReport = (): Report => ({
  created: 0,
  updated: 0,
  same: 0,
  skipped: 0,
  skippedRows: [],
  overwritten: [],
  missingImages: [],
  unreadable: [],
  at: { entity: '', after: 0, all: 0 },
});

export const keyOf = (entity: Entity, { id }: Row): RowKey => ({ entity: entity.name, id });

export function skipRow(report: Report, entity: Entity, row: Row, why: string) {
  report.skipped += 1;
  if (report.skippedRows.length < LISTED) {
    report.skippedRows.push({ key: keyOf(entity, row), title: titleOf(entity, row), why });
  }
}

export function listOverwritten({ overwritten }: Report, changes: Change[]) {
  for (const { entity, before, after } of changes) {
    if (before && after && overwritten.length < LISTED) {
      const fields = differingFields(entity, before, after).map((name) => labelOf(entity, name));
      overwritten.push({ key: keyOf(entity, before), title: titleOf(entity, before), fields });
    }
  }
}

export function listStoredDifferently(report: Report, entity: Entity, steps: WrittenStep[]) {
  const listed = (report.storedDifferently ??= []);
  for (const { id, title, remark } of steps) {
    const fields = (remark?.differing ?? []).filter((field) => field in entity.fields);
    const labels = fields.map((field) => labelOf(entity, field));
    if (listed.length < LISTED)
      listed.push({ key: { entity: entity.name, id }, title, fields: labels });
  }
}

/** Adds the counts and lists of one part to the report of the whole refresh. */
export function addToReport(report: Report, part: Report) {
  for (const count of ['created', 'updated', 'same', 'skipped'] as const) {
    report[count] += part[count];
  }
  const upToLimit = <T>(all: T[], more: T[]) => [...all, ...more].slice(0, LISTED);
  report.skippedRows = upToLimit(report.skippedRows, part.skippedRows);
  report.overwritten = upToLimit(report.overwritten, part.overwritten);
  report.missingImages = upToLimit(report.missingImages, part.missingImages);
  const differing = upToLimit(report.storedDifferently ?? [], part.storedDifferently ?? []);
  if (differing.length > 0) report.storedDifferently = differing;
}

/**
 * Copies a report. The copy stays unchanged while the refresh continues to add to the original.
 */
export const copyOf = (report: Report): Report => ({
  ...report,
  skippedRows: [...report.skippedRows],
  overwritten: [...report.overwritten],
  ...(report.storedDifferently && { storedDifferently: [...report.storedDifferently] }),
  missingImages: [...report.missingImages],
  unreadable: [...(report.unreadable ?? [])],
});
