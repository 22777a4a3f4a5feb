// The JSON that the API returns for an account and its migration. Apps rely on the names of these fields.
import { z } from 'zod';
import { fromSqlInstant } from '../database/sql.ts';
import { countsOf, type Move } from './moves.ts';
import { progressOf } from './progress.ts';
import { isActive, legacyStatus, legacyStatuses, migrationStatuses, reachable } from './status.ts';

const count = z.int().min(0);

export const accountSchema = z.object({
  id: z.string().meta({ description: 'The id of the account in the older system.' }),
  status: z.literal('active'),
  migration_status: z.enum(migrationStatuses),
  legacy_status: z.enum(legacyStatuses).meta({ description: 'The status under its former name.' }),
  reached: z
    .enum(reachable)
    .nullable()
    .meta({ description: 'How far this run is; also of a failed one.' }),
  run: count.meta({ description: '0 before the first run; force begins the next one.' }),
  counts: z.object({
    channels: count,
    threads: count,
    messages: count,
    attachments: count,
    skipped: count.meta({ description: 'Attachments that cannot be read.' }),
    failed: count.meta({ description: 'Records that are kept aside as dead letters.' }),
  }),
  expected_messages: count.nullable(),
  percent: z.int().min(0).max(100).nullable().meta({
    description: 'Null unless the older system says how many messages there are.',
  }),
  seconds_left: count.nullable(),
  last_error: z
    .object({ code: z.string(), message: z.string(), at: z.string().meta({ format: 'date-time' }) })
    .nullable(),
  poll_after_ms: count.nullable().meta({
    description: 'When to ask again; null when nothing changes any more.',
  }),
});

/** One answer with a part of the list of all accounts. Only a caller with an API key may read this list. */
export const accountsSchema = z.object({
  items: z.array(accountSchema),
  next: z.string().nullable(),
});

/** Converts an account and its migration to the JSON that the API returns. */
export const accountView = (move: Move, now = Date.now()): z.infer<typeof accountSchema> => ({
  id: move.external_id,
  status: 'active',
  migration_status: move.migration_status,
  legacy_status: legacyStatus(move),
  reached: move.reached,
  run: move.run,
  counts: countsOf(move),
  expected_messages: move.expected_messages,
  ...progressOf(move, now),
  last_error: errorOf(move),
  poll_after_ms: pollAfter(move),
});

const errorOf = ({ error_code: code, error_message: message, error_at: at }: Move) =>
  code === null
    ? null
    : { code, message: message ?? '', at: at === null ? '' : fromSqlInstant(at) };

/**
 * Returns after how many milliseconds an app should poll again: one second until the recent
 * messages have arrived, then five seconds. Null when only another request can change the status.
 */
function pollAfter(move: Move): number | null {
  switch (move.migration_status) {
    case 'not_started':
    case 'migrating':
    case 'channels-only':
      return 1000;
    case 'recent-messages-only':
      // If only the recent messages were requested, the migration stays at this status until somebody requests the
      // remaining messages. The app need not poll until then.
      return isActive(move) ? 5000 : null;
    case 'not_needed':
    case 'completed':
    case 'failed':
      return null;
  }
}
