// Prepares the report of a refresh or dry run for the page of its job.
import type { Report } from './report.ts';

/**
 * The page lists at most this many rows of each kind: overwritten, skipped, and stored by the database in another form.
 */
const SHOWN = 200;

export function reportLocals(found: object, input: object) {
  const report = found as Report;
  const { dryRun = false } = input as { dryRun?: boolean };
  const { created, updated, same, skipped } = report;
  const skippedRows = report.skippedRows.slice(0, SHOWN);
  const overwritten = report.overwritten.slice(0, SHOWN);
  return {
    dryRun,
    report: {
      tiles: [
        { number: created, text: dryRun ? 'would be created' : 'created' },
        { number: updated, text: dryRun ? 'would be overwritten' : 'overwritten' },
        { number: same, text: 'unchanged' },
        { number: skipped, text: 'skipped' },
      ],
      offersCopy: dryRun && created + updated > 0,
      skippedRows: skippedRows.map(({ key, title, why }) => ({ key, title, text: why })),
      moreSkipped: skipped - skippedRows.length,
      overwritten: overwritten.map(({ key, title, fields }) => ({
        key,
        title,
        text: fields.join(', '),
      })),
      moreOverwritten: updated - overwritten.length,
      storedDifferently: (report.storedDifferently ?? [])
        .slice(0, SHOWN)
        .map(({ key, title, fields }) => ({ key, title, text: fields.join(', ') })),
      moreStoredDifferently: Math.max(0, (report.storedDifferently ?? []).length - SHOWN),
      missingImages: report.missingImages,
      unreadable: report.unreadable ?? [],
    },
  };
}
