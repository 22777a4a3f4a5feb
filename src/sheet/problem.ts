// A problem that prevents sending a sheet: a reason code, a message, and solutions.
import type { RowKey } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import * as problems from '../problems.ts';
import type { PlannedStep } from './planned-step.ts';

export type Solution =
  | { kind: 'edit'; key: RowKey; title?: string }
  | { kind: 'adopt'; key: RowKey }
  | { kind: 'lift-hold'; key: RowKey }
  | { kind: 'create-name'; entity: string; name: string }
  | { kind: 'map-name'; entity: string; name: string }
  | { kind: 'overwrite' }
  | { kind: 'new-id'; key: RowKey }
  | { kind: 'delete' }
  | { kind: 'again'; keys: RowKey[] }
  | { kind: 'add'; keys: RowKey[]; title: string }
  | { kind: 'test'; key: RowKey }
  | { kind: 'wait' }
  | { kind: 'engineer' };

export const reasons = [
  'parent-missing',
  'name-missing',
  'name-ambiguous',
  'name-spelled-otherwise',
  'changed-there',
  'engineering',
  'on-hold',
  'still-used',
  'deletion',
  'undone',
  'local-value',
  'not-tested',
  'value-too-long',
  'value-unstorable',
  'row-unfit',
  'column-missing',
  'column-unknown',
  'unique-taken',
  'being-written',
  'updating',
  'no-version',
  'image-missing',
  'host-name',
  'unknown-row',
] as const;
export type Reason = (typeof reasons)[number];

export type Problem = {
  reason: Reason;
  row: RowKey | null;
  message: string;
  solutions: Solution[];
  /** The rows to leave out as a solution, if these are not just `row`. */
  concerns?: RowKey[];
};

/** A warning before sending, which does not prevent it. */
export type Warning = {
  reason: 'instant-ahead' | 'clock-ahead';
  row: RowKey | null;
  message: string;
};

/** Problems of the send button itself, beside those of the plan. */
type ClickReason =
  'reason-missing' | 'sheet-outdated' | 'already-sent' | 'nothing-to-do' | 'key-reused';

type ClickSolution =
  { kind: 'enter-reason' } | { kind: 'review' } | { kind: 'open-transfer'; number: number };

export type ClickProblem = {
  reason: ClickReason;
  row: null;
  message: string;
  solutions: ClickSolution[];
};

/** A refused send, with all problems: those of the plan, or one of the send itself. */
export class SheetProblems extends problems.Problem {
  readonly problems: (Problem | ClickProblem)[];

  constructor(found: (Problem | ClickProblem)[], status = 422) {
    super(status, found.map(({ message }) => message).join(' '));
    this.problems = found;
  }
}

export const describe = ({ entity, title }: PlannedStep) =>
  `${entityNamed(entity).label.one} “${title}”`;

export const keyOf = ({ entity, id }: PlannedStep): RowKey => ({ entity, id });

/** The typed confirmations that are required, and those that were typed. */
export type TypedWords = Record<'overwrite' | 'remove', { isAsked: boolean; isTyped: boolean }>;
