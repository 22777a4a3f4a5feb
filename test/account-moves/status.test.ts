// The statuses of a migration: their order, and the former names that some callers still use.
import { expect, test } from 'vitest';
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

test('S4-80 a former status name that a caller sends is converted to the current status', () => {
  expect(statusNamed('recent-only')).toBe('recent-messages-only');
  expect(statusNamed('active-recent-only')).toBe('recent-messages-only');
  expect(migrationStatuses.map(statusNamed)).toEqual(migrationStatuses);
  expect(statusNamed('active')).toBeNull();
  expect(statusNamed('constructor')).toBeNull();
});

test('S4-31 S4-80 S4-82 each migration status also has a name from an earlier API draft; a failed migration keeps that of its last status', () => {
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

test('S4-30 a migration has reached its latest status and all statuses before it, even if the migration failed afterwards', () => {
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

test('a migration run is active until it completes, fails, or stops after the recent messages because only these were requested', () => {
  const recent = move('recent-messages-only', 'recent-messages-only');
  expect(isActive({ ...recent, part: 'whole' })).toBe(true);
  expect(isActive({ ...recent, part: 'recent' })).toBe(false);
  expect(isActive({ ...move('migrating'), part: 'recent' })).toBe(true);
  expect(isActive({ ...move('failed', 'channels-only'), part: 'whole' })).toBe(false);
  expect(isActive({ ...move('completed', 'completed'), part: 'whole' })).toBe(false);
});
