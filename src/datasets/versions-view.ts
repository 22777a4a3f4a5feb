// The versions of a dataset as their page shows them: what each changed in the columns, and whether it can be restored.
import type { Dataset } from './datasets.ts';
import { differingColumns } from './columns.ts';
import type { Version } from './versions.ts';

type VersionView = Version & {
  isCurrent: boolean;
  mayBeRestored: boolean;
  /** How its columns differ from those of the version before; empty when they are the same. */
  changes: string[];
  /** How many rows more or fewer it has than the version before; null for the first. */
  rowsMore: number | null;
};

/** `versions`: newest first. */
export const versionsView = (dataset: Dataset, versions: Version[]): VersionView[] =>
  versions.map((version, index) => {
    const before = versions[index + 1];
    const isCurrent = version.number === dataset.current_version;
    return {
      ...version,
      isCurrent,
      mayBeRestored: !isCurrent && version.purged_at === null,
      changes: before ? differingColumns(before.columns, version.columns) : [],
      rowsMore: before ? version.row_count - before.row_count : null,
    };
  });
