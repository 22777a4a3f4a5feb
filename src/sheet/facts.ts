// The facts that a plan is based on: the rows of both sides, and everything at the destination that could cause a
// problem.
import type { Row, RowKey } from '../catalog/entity.ts';
import type { EnvironmentName } from '../environments/rules.ts';
import type { ColumnsByTable } from '../rows/table-columns.ts';
import type { IdsByEntity } from '../rows/names.ts';
import type { Environment } from '../environments/environment.ts';
import type { Reference } from '../rows/references.ts';
import type { RowState } from '../state/row-state.ts';
import type { DatabaseVersion } from '../version/metadata.ts';
import type { Claim } from '../writing/claimed-rows.ts';
import type { Clock } from '../state/clock.ts';
import type { RowPair } from '../comparison/compare-pairs.ts';
import { mirrored, type Status } from '../state/status.ts';
import type { TestStatus } from '../state/test-results.ts';
import type { OtherHolder } from './holders.ts';

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
