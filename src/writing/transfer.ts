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

/** Final states: a transfer in one of them does not change any more. */
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
  /** The transfer that this one undoes. */
  undoes: string | null;
  /** The selection that it was sent from. */
  selection: string | null;
  /** What a person decided when it needed attention. */
  decision: Decision | null;
  /** JSON: the transfers that brought these rows to the sending environment. */
  chain: string;
  /** JSON: rows at the destination that must not change while this is written. */
  relied_on: string;
  instant: string | null;
  problem: string | null;
  problem_reason: TransferReason | null;
  /** `sts:12`: the row that it is about. */
  problem_row: string | null;
  created_at: string;
  ended_at: string | null;
};

/** Why a destination did not take a transfer, or why it needs attention. A sheet has the same codes for the same. */
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

/** What stopped a transfer whose journal was open. */
export type TransferProblem = { reason: TransferReason; row: RowKey | null; message: string };

export type Decision = 'try-again' | 'roll-back' | 'keep-theirs';

export type Step = {
  entity: string;
  id: number;
  title: string;
  action: StepAction;
  /** Why a row that nobody chose is included. */
  because: string | null;
  before: Row | null;
  after: Row | null;
  /** Fields that are not sent: they keep the destination's value. */
  excludedFields: string[];
  /** The former base as canonical content, which an undo restores. */
  base?: string | null;
  /** The row's former id; its marks are kept. */
  formerId?: number | null;
  /** Test results of this content; null where rows are not tested. */
  tested?: string | null;
  remark?: Remark | null;
};

/** What the line of a step says beside its outcome, known before the COMMIT at the destination. */
export type Remark = {
  /** Fields that the destination stored differently; `modified_at` is among them when its time is another one. */
  differing: string[];
  /** The row as it is stored there, where its content differs; null when it is gone. */
  stored?: Row | null;
  /** The row's former instant, where it was ahead of the clock. */
  ahead?: Ahead;
};

/** The name of a row's instant in `differing`. */
export const INSTANT = 'modified_at';

/** `1 of 3 rows is not as sent.` */
export const notAsSentText = (differing: number, all: number) =>
  `${differing} of ${all} rows ${differing === 1 ? 'is' : 'are'} not as sent.`;

/** The outcome of a row that nobody changed since, and that is not as it was sent. */
export const STORED_DIFFERENTLY = 'stored differently';

/** `outcome` is null while the step is pending, and when it was not written. */
export type WrittenStep = Step & { seq: number; outcome: string | null };

/** The outcome of a step in a verified transfer, unless another is recorded. */
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
  /** The selection it was sent from. */
  selection: string | null;
  reliedOn: RowKey[];
  steps: Step[];
};
