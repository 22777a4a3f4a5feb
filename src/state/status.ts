// Computes the status of a row: how the row here compares with the same row at the destination.

export const statuses = [
  'New',
  'In sync',
  'Changed here',
  'Changed there',
  'Changed on both',
  'Not known to be the same row',
  'Deleted here',
  'Deleted here, changed there',
  'Deleted there',
  'Changed here, deleted there',
  'Only there',
] as const;
export type Status = (typeof statuses)[number];

/**
 * The hashes of a row’s content: here, at the destination (`there`), and when both sides were last
 * equal (`base`). A hash is null if there is no such content.
 */
export type Hashes = {
  here: string | null;
  base: string | null;
  there: string | null;
  isDeletedHere?: boolean;
};

/** Computes the status of a row; null if neither side has the row. */
export function statusOf({ here, base, there, isDeletedHere = false }: Hashes): Status | null {
  if (here === null && there === null) return null;
  if (here === null) {
    // Without a base both sides were never equal, so a deletion here says nothing about the row at the destination.
    if (!isDeletedHere || base === null) return 'Only there';
    return there === base ? 'Deleted here' : 'Deleted here, changed there';
  }
  if (there === null) {
    if (base === null) return 'New';
    return here === base ? 'Deleted there' : 'Changed here, deleted there';
  }
  if (here === there) return 'In sync';
  if (base === null) return 'Not known to be the same row';
  if (there === base) return 'Changed here';
  return here === base ? 'Changed there' : 'Changed on both';
}

/**
 * The status of a row as the other environment sees it: a row that is `New` here is `Only there` for the destination.
 */
export const mirrored: Record<Status, Status> = {
  New: 'Only there',
  'In sync': 'In sync',
  'Changed here': 'Changed there',
  'Changed there': 'Changed here',
  'Changed on both': 'Changed on both',
  'Not known to be the same row': 'Not known to be the same row',
  'Deleted here': 'Deleted there',
  'Deleted here, changed there': 'Changed here, deleted there',
  'Deleted there': 'Deleted here',
  'Changed here, deleted there': 'Deleted here, changed there',
  'Only there': 'New',
};

const movedHere: readonly Status[] = ['New', 'Changed here', 'Deleted here'];
const movedThere: readonly Status[] = ['Changed there', 'Deleted there', 'Only there'];

/**
 * Computes the status of a row together with its dependent rows: a form counts as changed if one of
 * its fields has changed.
 */
export function withDependents(own: Status, dependents: Status[]): Status {
  const moved = dependents.filter((status) => status !== 'In sync');
  if (own !== 'In sync' || moved.length === 0) return own;
  if (moved.every((status) => movedHere.includes(status))) return 'Changed here';
  if (moved.every((status) => movedThere.includes(status))) return 'Changed there';
  return 'Changed on both';
}

/** Whether a row with this status can be sent without a confirmation. */
export const isReady = (status: Status) => status === 'New' || status === 'Changed here';

/**
 * Whether sending a row with this status would overwrite a change made at the destination, or create a row again that
 * was deleted there.
 */
export const overwrites = (status: Status) =>
  status === 'Changed there' ||
  status === 'Changed on both' ||
  status === 'Not known to be the same row' ||
  status === 'Deleted there' ||
  status === 'Changed here, deleted there' ||
  status === 'Deleted here, changed there' ||
  status === 'Only there';
