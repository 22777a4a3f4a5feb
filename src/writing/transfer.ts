// What a transfer is: its states, its kinds, its steps.
import type { Row, RowKey } from '../catalog/entity.ts';
import type { EnvironmentName } from '../environments/rules.ts';
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

/** Nothing is left to do: neither for a worker nor for a person. */
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
  /** The transfer that this one takes back. */
  undoes: string | null;
  /** The basket that it was sent from. */
  selection: string | null;
  /** What a person chose when it could not go on by itself. */
  decision: Decision | null;
  /** JSON: the transfers that brought these rows here. */
  chain: string;
  /** JSON: rows there that must stay as they are while this is written. */
  relied_on: string;
  instant: string | null;
  problem: string | null;
  created_at: string;
  ended_at: string | null;
};

export type Decision = 'try-again' | 'roll-back' | 'keep-theirs';

export type Step = {
  entity: string;
  id: number;
  title: string;
  action: StepAction;
  /** Why a row goes that nobody picked. */
  because: string | null;
  before: Row | null;
  after: Row | null;
  /** Fields of ours that were left out: they stay as they are there. */
  excludedFields: string[];
  /** The base until now, as canonical content: an undo gives it back. */
  base?: string | null;
  /** The id that the row had until now; its marks go along. */
  formerId?: number | null;
  /** What was said of this very content where it was tried; null where nobody is asked. */
  tested?: string | null;
};

/** `outcome` is null as long as it is open, and for what was not written. */
export type WrittenStep = Step & { seq: number; outcome: string | null };

/** What a step came to in a transfer that was verified, where nothing else was noted. */
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
  /** The basket it was sent from. */
  selection: string | null;
  reliedOn: RowKey[];
  steps: Step[];
};
