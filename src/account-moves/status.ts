// The statuses of a migration, for the API, the pages and the jobs. Pure functions.

export const migrationStatuses = [
  'not_started',
  'not_needed',
  'migrating',
  'channels-only',
  'recent-messages-only',
  'completed',
  'failed',
] as const;
export type MigrationStatus = (typeof migrationStatuses)[number];

/** The statuses that a migration run reaches, in this order. */
export const reachable = ['channels-only', 'recent-messages-only', 'completed'] as const;
export type Reached = (typeof reachable)[number];

/** The stages of a migration run, in their order. */
export const stages = ['channels', 'recent', 'rest', 'attachments', 'final-check'] as const;
export type Stage = (typeof stages)[number];

/** The names of the stages, as the pages of jobs and of account migrations show them. */
export const stageTexts: Record<Stage, string> = {
  channels: 'Brands and channels',
  recent: 'Recent messages',
  rest: 'Older messages',
  attachments: 'Attachments',
  'final-check': 'Final check',
};

/** Which part of an account a migration run covers: all of it, or only the recent messages. */
export type Part = 'whole' | 'recent';

type Standing = { migration_status: MigrationStatus; reached: Reached | null };

/** Status names of an earlier draft of the API, which some callers still use. */
export const legacyStatuses = ['not_started', 'migrating', 'active-recent-only', 'active'] as const;

export function legacyStatus({
  migration_status: status,
  reached,
}: Standing): (typeof legacyStatuses)[number] {
  const shown = status === 'failed' ? (reached ?? 'migrating') : status;
  switch (shown) {
    case 'not_started':
      return 'not_started';
    case 'migrating':
    case 'channels-only':
      return 'migrating';
    case 'recent-messages-only':
      return 'active-recent-only';
    case 'not_needed':
    case 'completed':
      return 'active';
  }
}

const otherNames = new Map<string, Reached>([
  ['recent-only', 'recent-messages-only'],
  ['active-recent-only', 'recent-messages-only'],
]);

/** All status names that a caller may send, including former names. */
export const statusNames = [...migrationStatuses, ...otherNames.keys()];

/** Converts a status name, current or former, to the status; null if there is no such status. */
export const statusNamed = (text: string): MigrationStatus | null =>
  otherNames.get(text) ?? migrationStatuses.find((one) => one === text) ?? null;

/**
 * Whether a migration has reached a status or a later one. `failed` and `not_needed` are reached
 * only while they are the current status.
 */
export function hasReached(move: Standing, wanted: MigrationStatus): boolean {
  if (wanted === 'failed' || wanted === 'not_needed') return move.migration_status === wanted;
  if (wanted === 'not_started') return move.migration_status !== 'not_needed';
  return rankOf(move) >= ranks.indexOf(wanted);
}

const ranks: readonly MigrationStatus[] = ['not_started', 'migrating', ...reachable];

function rankOf({ migration_status: status, reached }: Standing): number {
  if (status === 'failed') return reached === null ? 1 : ranks.indexOf(reached);
  return ranks.indexOf(status);
}

/**
 * Whether a migration run goes on without another request: a worker runs it, it waits for a worker, or its wave (set of
 * accounts) is paused.
 */
export const isActive = ({
  migration_status: status,
  reached,
  part,
}: Standing & { part: Part }): boolean =>
  status === 'migrating' ||
  status === 'channels-only' ||
  (status === 'recent-messages-only' && !(part === 'recent' && reached === 'recent-messages-only'));
