// What a migration request does, depending on the status of the migration.
import { expect, test } from 'vitest';
import { decide, type Decision } from '../../src/account-moves/decision.ts';
import type { MigrationStatus, Part, Reached } from '../../src/account-moves/status.ts';

type Asked = 'whole' | 'recent' | 'remaining';
type Row = {
  status: MigrationStatus;
  part?: Part;
  asked?: Asked;
  force?: boolean;
  /**
   * `at`: the dump that the run reads. `location`: the dump that the request names. `failing`:
   * whether reading fails. `wave`: the wave that sends the request.
   */
  at?: string | null;
  location?: string | null;
  failing?: boolean;
  wave?: number | null;
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
  { status: 'migrating', part: 'recent', wave: 7, decision: 'ignore' },
  { status: 'recent-messages-only', part: 'recent', wave: 7, decision: 'ignore' },
  { status: 'failed', wave: 7, decision: 'continue' },
  {
    status: 'migrating',
    part: 'recent',
    asked: 'remaining',
    location: 'b',
    at: 'a',
    decision: 'wait',
  },
  {
    status: 'migrating',
    part: 'recent',
    asked: 'remaining',
    location: 'a',
    at: 'a',
    decision: 'widen',
  },
  { status: 'migrating', location: 'b', at: 'a', decision: 'ignore' },
  { status: 'migrating', location: 'b', at: 'a', failing: true, decision: 'continue' },
  { status: 'completed', decision: 'ignore' },
  { status: 'completed', asked: 'remaining', decision: 'ignore' },
  { status: 'completed', force: true, decision: 'begin' },
];

const reached = (status: MigrationStatus): Reached | null =>
  status === 'channels-only' || status === 'recent-messages-only' || status === 'completed'
    ? status
    : null;

test.each(table)(
  'S4-42 S4-50 S4-51 S4-52 S4-53 the decision is “$decision” for an account with status $status and part $part, if a request asks for $asked with force $force, dump $location and wave $wave',
  ({
    status,
    part = 'whole',
    asked = 'whole',
    force = false,
    at = null,
    location = null,
    failing = false,
    wave = null,
    decision,
  }) => {
    const move = {
      migration_status: status,
      reached: reached(status),
      part,
      location: at,
      failing_since: failing ? '2026-11-26 10:00:00.000' : null,
    };
    expect(decide(move, { part: asked, force, location, wave })).toBe(decision);
  },
);
