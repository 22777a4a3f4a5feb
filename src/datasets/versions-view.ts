// Prepares the versions of a dataset for their page: how the columns and the number of rows changed, and whether the
// version can be restored.
import type { Dataset } from './datasets.ts';
import { differingColumns } from './columns.ts';
import type { Version } from './versions.ts';

type VersionView = Version & {
  isCurrent: boolean;
  mayBeRestored: boolean;
  /** How the columns differ from the columns of the version before; empty if they are equal. */
  changes: string[];
  /** How many more rows than the version before, negative for fewer; null for the first version. */
  rowsMore: number | null;
};

/** Prepares the versions of a dataset for their page. `versions` must be sorted newest first. */
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
