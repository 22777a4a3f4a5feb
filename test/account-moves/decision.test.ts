// What a request for a move does, by the state of the move.
import { expect, test } from '@jest/globals';
import { decide, type Decision } from '../../src/account-moves/decision.ts';
import type { MigrationStatus, Part, Reached } from '../../src/account-moves/status.ts';

type Asked = 'whole' | 'recent' | 'remaining';
type Row = {
  status: MigrationStatus;
  part?: Part;
  asked?: Asked;
  force?: boolean;
  decision: Decision;
};

const table: Row[] = [
  { status: 'not_started', decision: 'begin' },
  { status: 'not_started', asked: 'recent', decision: 'begin' },
  { status: 'not_started', asked: 'remaining', decision: 'begin' },
  { status: 'not_needed', decision: 'ignore' },
  { status: 'not_needed', force: true, decision: 'ignore' },
  { status: 'migrating', decision: 'ignore' },
  { status: 'channels-only', decision: 'ignore' },
  { status: 'recent-messages-only', decision: 'ignore' },
  { status: 'migrating', force: true, decision: 'begin' },
  { status: 'recent-messages-only', force: true, decision: 'begin' },
  { status: 'migrating', part: 'recent', asked: 'recent', decision: 'ignore' },
  { status: 'migrating', part: 'recent', asked: 'remaining', decision: 'widen' },
  { status: 'channels-only', part: 'recent', asked: 'whole', decision: 'widen' },
  { status: 'recent-messages-only', part: 'recent', asked: 'recent', decision: 'ignore' },
  { status: 'recent-messages-only', part: 'recent', asked: 'remaining', decision: 'continue' },
  { status: 'recent-messages-only', part: 'recent', asked: 'whole', decision: 'continue' },
  { status: 'failed', decision: 'continue' },
  { status: 'failed', asked: 'recent', decision: 'continue' },
  { status: 'failed', force: true, decision: 'begin' },
  { status: 'completed', decision: 'ignore' },
  { status: 'completed', asked: 'remaining', decision: 'ignore' },
  { status: 'completed', force: true, decision: 'begin' },
];

const reached = (status: MigrationStatus): Reached | null =>
  status === 'channels-only' || status === 'recent-messages-only' || status === 'completed'
    ? status
    : null;

test.each(table)(
  'S4-42 S4-50 S4-51 S4-52 S4-53 a request for an account in status $status (part $part; asked for: $asked, force: $force): $decision',
  ({ status, part = 'whole', asked = 'whole', force = false, decision }) => {
    const move = { migration_status: status, reached: reached(status), part };
    expect(decide(move, { part: asked, force })).toBe(decision);
  },
);
