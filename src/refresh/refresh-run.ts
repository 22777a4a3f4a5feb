// The environments and options of a refresh.
import type { Entity } from '../catalog/entity.ts';
import type { Environment } from '../environments/environment.ts';
import type { Report } from './report.ts';

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
