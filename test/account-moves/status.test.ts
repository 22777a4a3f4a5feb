// The statuses of a move: how far each is, and the names that older callers know.
import { expect, test } from '@jest/globals';
import {
  hasReached,
  isActive,
  legacyStatus,
  migrationStatuses,
  statusNamed,
  type MigrationStatus,
  type Reached,
} from '../../src/account-moves/status.ts';

const move = (status: MigrationStatus, reached: Reached | null = null) => ({
  migration_status: status,
  reached,
});

test('S4-80 callers that know older names of the statuses are understood', () => {
  expect(statusNamed('recent-only')).toBe('recent-messages-only');
  expect(statusNamed('active-recent-only')).toBe('recent-messages-only');
  expect(migrationStatuses.map(statusNamed)).toEqual(migrationStatuses);
  expect(statusNamed('active')).toBeNull();
  expect(statusNamed('constructor')).toBeNull();
});

test('S4-31 S4-80 S4-82 each status has its legacy name; that of a failed move is by what it has reached', () => {
  const legacy = migrationStatuses.map((status) => [status, legacyStatus(move(status))]);
  expect(Object.fromEntries(legacy)).toEqual({
    not_started: 'not_started',
    not_needed: 'active',
    migrating: 'migrating',
    'channels-only': 'migrating',
    'recent-messages-only': 'active-recent-only',
    completed: 'active',
    failed: 'migrating',
  });
  expect(legacyStatus(move('failed', 'recent-messages-only'))).toBe('active-recent-only');
});

test('S4-30 a move has reached a status when it is as far or further, also when it failed afterwards', () => {
  const recent = move('recent-messages-only', 'recent-messages-only');
  expect(hasReached(recent, 'channels-only')).toBe(true);
  expect(hasReached(recent, 'recent-messages-only')).toBe(true);
  expect(hasReached(recent, 'completed')).toBe(false);
  expect(hasReached(move('failed', 'channels-only'), 'channels-only')).toBe(true);
  expect(hasReached(move('failed', 'channels-only'), 'recent-messages-only')).toBe(false);
  expect(hasReached(move('failed'), 'migrating')).toBe(true);
  expect(hasReached(move('not_needed'), 'not_needed')).toBe(true);
  expect(hasReached(move('completed', 'completed'), 'not_needed')).toBe(false);
  expect(hasReached(move('not_started'), 'migrating')).toBe(false);
});

test('a run is active until it is completed, has failed, or stopped after the recent messages as asked', () => {
  const recent = move('recent-messages-only', 'recent-messages-only');
  expect(isActive({ ...recent, part: 'whole' })).toBe(true);
  expect(isActive({ ...recent, part: 'recent' })).toBe(false);
  expect(isActive({ ...move('migrating'), part: 'recent' })).toBe(true);
  expect(isActive({ ...move('failed', 'channels-only'), part: 'whole' })).toBe(false);
  expect(isActive({ ...move('completed', 'completed'), part: 'whole' })).toBe(false);
});
