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
  | { kind: 'take-over'; key: RowKey }
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
  /** The rows to leave out to solve the problem, if leaving out `row` alone is not enough. */
  concerns?: RowKey[];
};

/** A warning on the sheet. Unlike a problem, a warning does not prevent the transfer. */
export type Warning = {
  reason: 'instant-ahead' | 'clock-ahead';
  row: RowKey | null;
  message: string;
};

/**
 * The reason codes of problems that occur only when a user clicks the transfer button, such as a missing reason.
 * `Reason` has the codes of problems of a plan.
 */
type ClickReason =
  | 'reason-missing'
  | 'approval-missing'
  | 'sheet-outdated'
  | 'already-sent'
  | 'nothing-to-do'
  | 'key-reused';

type ClickSolution =
  | { kind: 'enter-reason' }
  | { kind: 'ask-approval'; selection: string }
  | { kind: 'review' }
  | { kind: 'open-transfer'; number: number };

export type ClickProblem = {
  reason: ClickReason;
  row: null;
  message: string;
  solutions: ClickSolution[];
};

/**
 * The error for a refused click on the transfer button. The error carries all problems of the plan, or only the one
 * problem that the click itself has, such as a missing reason.
 */
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

/** For each kind of confirmation: whether the user must type its word, and whether the user typed it. */
export type TypedWords = Record<'overwrite' | 'remove', { isAsked: boolean; isTyped: boolean }>;
