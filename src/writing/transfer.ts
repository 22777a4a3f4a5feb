// What a transfer is: its states, its kinds, its steps.
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

/** The states in which a transfer has ended and does not change any more. */
export const overStates: TransferState[] = ['verified', 'refused', 'rolled_back'];

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
  role: string;
  idempotency_key: string;
  plan_hash: string;
  /** The number of the transfer that this one undoes. */
  undoes: string | null;
  /** The selection that the transfer was sent from. */
  selection: string | null;
  /** A person’s decision how to continue, if the transfer needed attention. */
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
 * Why a destination refused a transfer, or why it needs attention. Sheets use the same codes for the same reasons.
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

/** What stopped a transfer that was already in the journal. */
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
  /** The former base (the last content that both sides had in common) as canonical text; an undo restores it. */
  base?: string | null;
  /** The row’s id before it was given a new one; author, mark of engineering’s change and hold move to the new id. */
  formerId?: number | null;
  /** Test results of this content; null where rows are not tested. */
  tested?: string | null;
  remark?: Remark | null;
};

/** What is remarkable about a step beside its outcome, known before the COMMIT at the destination. */
export type Remark = {
  /** The fields that the destination stored differently than sent, including `modified_at`. */
  differing: string[];
  /** The row as the destination stored it, if its content differs from what was sent; null if it stored no row. */
  stored?: Row | null;
  /** The row’s former timestamp, if it lay in the future. */
  ahead?: Ahead;
};

/** The name by which `differing` lists the timestamp of a row, if it was stored differently than sent. */
export const INSTANT = 'modified_at';

/**
 * The summary of a transfer whose destination stored rows differently than they were sent: `1 of 3 rows is not as
 * sent.`
 */
export const notAsSentText = (differing: number, all: number) =>
  `${differing} of ${all} rows ${differing === 1 ? 'is' : 'are'} not as sent.`;

/** The outcome of a row that the destination stored differently than sent, and that no one has changed since. */
export const STORED_DIFFERENTLY = 'stored differently';

/** A step as it is recorded. `outcome` is null as long as its row was not written, and for good if it never was. */
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
