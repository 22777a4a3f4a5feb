// The types of a transfer: its states, the problems that stop it, and its steps.
import type { Row, RowKey } from '../catalog/entity.ts';
import type { Unwillingness } from '../database/unwillingness.ts';
import type { EnvironmentName } from '../environments/rules.ts';
import type { Ahead } from './instants.ts';
import type { TransferKind, StepAction } from '../state/transfer-kinds.ts';

export type TransferState =
  | 'planned'
  | 'claimed'
  | 'applying'
  | 'committed'
  | 'verified'
  | 'refused'
  | 'rolling_back'
  | 'rolled_back'
  | 'needs_attention';

export const liveStates: TransferState[] = [
  'planned',
  'claimed',
  'applying',
  'committed',
  'rolling_back',
];

/** The states of a transfer that has ended and changed nothing. */
export const voidStates: TransferState[] = ['refused', 'rolled_back'];

/** The states in which a transfer has ended and does not change any more. */
export const overStates: TransferState[] = ['verified', ...voidStates];

export type Transfer = {
  id: string;
  number: number;
  kind: TransferKind;
  state: TransferState;
  fence: number;
  lease_until: string;
  origin: EnvironmentName;
  destination: EnvironmentName;
  name: string;
  reason: string | null;
  person: string;
  /** The second person, who approved the transfer; null if no approval was required. */
  approved_by: string | null;
  role: string;
  idempotency_key: string;
  plan_hash: string;
  /** The id of the transfer that this one undoes. */
  undoes: string | null;
  /** The selection that the transfer was sent from. */
  selection: string | null;
  /** How a person decided to continue the transfer, if it needed attention. */
  decision: Decision | null;
  /** JSON: the transfers that wrote these rows into the sending environment. */
  chain: string;
  /** JSON: rows at the destination that must not change while this transfer is written. */
  relied_on: string;
  instant: string | null;
  problem: string | null;
  problem_reason: TransferReason | null;
  /** The key of the row that stopped the transfer, such as `sts:12`. */
  problem_row: string | null;
  created_at: string;
  ended_at: string | null;
};

/**
 * Why a destination refused a transfer, or why a transfer needs attention. Sheets use the same
 * codes for the same problems.
 */
export type TransferReason =
  | 'being-written'
  | 'changed-there'
  | 'parent-missing'
  | 'still-used'
  | 'name-missing'
  | 'name-ambiguous'
  | 'updating'
  | 'no-version'
  | 'unique-taken'
  | 'value-too-long'
  | 'value-missing'
  | 'value-unfit'
  | 'column-missing'
  | 'rule-there'
  | 'refused-there'
  | 'keeps-failing'
  | Unwillingness;

/** What stopped a transfer that was already recorded in Oneway’s journal of writes. */
export type TransferProblem = { reason: TransferReason; row: RowKey | null; message: string };

export type Decision = 'try-again' | 'roll-back' | 'keep-theirs';

export type Step = {
  entity: string;
  id: number;
  title: string;
  action: StepAction;
  /** Why the transfer includes a row that no one chose, such as `belongs to this form`. */
  because: string | null;
  before: Row | null;
  after: Row | null;
  /** Excluded fields, which keep the destination’s value. */
  excludedFields: string[];
  /** The former base (the last content that both sides had in common), in the form of former-base.ts; an undo restores it. */
  base?: string | null;
  /**
   * The row’s former id, if the row got a new one. The row’s author, its mark Not for production (hold) and its mark as
   * changed by engineering move to the new id.
   */
  formerId?: number | null;
  /** Test results of this content; null where rows are not tested. */
  tested?: string | null;
  remark?: Remark | null;
};

/**
 * What the journal notes about a written row before the COMMIT at the destination, in addition to the outcome of its
 * step.
 */
export type Remark = {
  /** The fields that the destination stored differently than sent, including `modified_at`. */
  differing: string[];
  /**
   * The row as the destination stored it, if it differs from the row that was sent; null if the
   * destination stored no row.
   */
  stored?: Row | null;
  /** The row’s former timestamp, if it lay in the future. */
  ahead?: Ahead;
};

/** `differing` contains this name if the row’s timestamp was stored differently than sent. */
export const INSTANT = 'modified_at';

/**
 * Returns the summary of a transfer whose destination stored rows differently than sent, such as `1
 * of 3 rows is not as sent.`
 */
export const notAsSentText = (differing: number, all: number) =>
  `${differing} of ${all} rows ${differing === 1 ? 'is' : 'are'} not as sent.`;

/**
 * The outcome of a step whose row the destination stored differently than sent, and that no one has
 * changed since.
 */
export const STORED_DIFFERENTLY = 'stored differently';

/**
 * A step as the journal records it. `outcome` is null until the row is written, and stays null if
 * the row never is.
 */
export type WrittenStep = Step & { seq: number; outcome: string | null };

/** The outcome of a step in a verified transfer, unless another one is recorded. */
export const plannedOutcome: Record<StepAction, string> = {
  create: 'created',
  update: 'updated',
  remove: 'removed',
  same: 'same',
};

export type Draft = {
  kind: TransferKind;
  name: string;
  reason: string | null;
  person: string;
  approvedBy?: string | null;
  role: string;
  idempotencyKey: string;
  planHash: string;
  chain: string[];
  undoes: string | null;
  /** The selection that the transfer was sent from. */
  selection: string | null;
  reliedOn: RowKey[];
  steps: Step[];
};
