// Formats an account’s migration for pages and commands: its status, its stages with times and counts, its earlier
// runs. Pure functions.
import { fromSqlInstant } from '../database/sql.ts';
import { count, duration } from '../web/format.ts';
import type { Counts, Move, MoveEvent } from './moves.ts';
import { isActive, stages, stageTexts, type MigrationStatus, type Stage } from './status.ts';

type Look = { text: string; icon: string; tone: 'ok' | 'changed' | 'new' | 'bad' };

const looks: Record<MigrationStatus, Look> = {
  not_started: { text: 'Not started', icon: 'circle-dashed', tone: 'new' },
  not_needed: { text: 'Not needed', icon: 'circle-minus', tone: 'new' },
  migrating: { text: 'Migrating', icon: 'loader', tone: 'changed' },
  'channels-only': { text: 'Channels only', icon: 'loader', tone: 'changed' },
  'recent-messages-only': { text: 'Recent messages only', icon: 'loader', tone: 'changed' },
  completed: { text: 'Completed', icon: 'circle-check', tone: 'ok' },
  failed: { text: 'Failed', icon: 'circle-x', tone: 'bad' },
};

export const lookOf = (status: MigrationStatus): Look => looks[status];

/**
 * The groups of migrations that the dashboard counts on tiles. A tile filters the list by its
 * group.
 */
export const moveGroups = ['waiting', 'running', 'done', 'failed'] as const;
export type MoveGroup = (typeof moveGroups)[number];

export const groupTexts: Record<MoveGroup, string> = {
  waiting: 'Waiting',
  running: 'Running',
  done: 'Done',
  failed: 'Failed',
};

/**
 * The migrations that belong to each group, by status and by part (all messages, or only the recent ones). A run that
 * stops after the recent messages counts as waiting, because somebody has to request the remaining messages.
 */
export const membersOf: Record<MoveGroup, { status: MigrationStatus; part: Move['part'] }[]> = {
  waiting: [
    { status: 'not_started', part: 'whole' },
    { status: 'not_started', part: 'recent' },
    { status: 'recent-messages-only', part: 'recent' },
  ],
  running: [
    { status: 'migrating', part: 'whole' },
    { status: 'migrating', part: 'recent' },
    { status: 'channels-only', part: 'whole' },
    { status: 'channels-only', part: 'recent' },
    { status: 'recent-messages-only', part: 'whole' },
  ],
  done: [
    { status: 'completed', part: 'whole' },
    { status: 'completed', part: 'recent' },
  ],
  failed: [
    { status: 'failed', part: 'whole' },
    { status: 'failed', part: 'recent' },
  ],
};

type StageState = 'waiting' | 'running' | 'done' | 'failed' | 'stopped';
const stateLooks: Record<StageState, { text: string; icon: string }> = {
  waiting: { text: 'Waiting', icon: 'hourglass' },
  running: { text: 'Running', icon: 'loader' },
  done: { text: 'Done', icon: 'circle-check' },
  failed: { text: 'Failed', icon: 'circle-x' },
  stopped: { text: 'Stopped', icon: 'circle-pause' },
};

export type StageView = {
  name: Stage;
  text: string;
  state: StageState;
  look: { text: string; icon: string };
  startedAt: string | null;
  /** How long this stage of the migration took; null until the stage has ended. */
  took: string | null;
  /** What this stage of the migration added: `3 channels`, `1,000 messages, 2 failed`. */
  counts: string;
};

/** Returns the stages of the current run of a migration, with their times and counts. */
export function stagesOf(move: Move, events: MoveEvent[]): StageView[] {
  const own = events.filter(({ run }) => run === move.run);
  return stages.map((name) => {
    const started = own.find((event) => event.kind === 'stage' && event.name === name);
    const ended = started && endOf(name, own, started);
    const state = stateOf(move, { started, ended });
    return {
      name,
      text: stageTexts[name],
      state,
      look: stateLooks[state],
      startedAt: started?.at ?? null,
      took: started && ended ? duration(between(started, ended)) : null,
      counts: started
        ? countsText(added(countsIn(started), ended ? countsIn(ended) : move), name)
        : '',
    };
  });
}

/** Each of these stages ends when the migration reaches a status. Any other stage ends when the next stage begins. */
const endings: Partial<Record<Stage, MigrationStatus>> = {
  channels: 'channels-only',
  recent: 'recent-messages-only',
  'final-check': 'completed',
};

function endOf(stage: Stage, own: MoveEvent[], started: MoveEvent): MoveEvent | undefined {
  const next = stages[stages.indexOf(stage) + 1];
  return own.find(
    ({ id, kind, name }) =>
      id > started.id &&
      (kind === 'status' ? name === endings[stage] : name === next && !(stage in endings)),
  );
}

function stateOf(
  move: Move,
  { started, ended }: { started: MoveEvent | undefined; ended: MoveEvent | undefined },
): StageState {
  if (!started) return 'waiting';
  if (ended) return 'done';
  if (move.migration_status === 'failed') return 'failed';
  return isActive(move) ? 'running' : 'stopped';
}

const millisecondsOf = (stored: string) => Date.parse(fromSqlInstant(stored));
const between = (from: MoveEvent, to: MoveEvent) => millisecondsOf(to.at) - millisecondsOf(from.at);

const nothing: Counts = {
  channels: 0,
  threads: 0,
  messages: 0,
  attachments: 0,
  skipped: 0,
  failed: 0,
};
const countsIn = ({ counts }: MoveEvent): Counts => ({
  ...nothing,
  ...(JSON.parse(counts) as Partial<Counts>),
});

const added = (before: Counts, after: Counts): Counts => ({
  channels: after.channels - before.channels,
  threads: after.threads - before.threads,
  messages: after.messages - before.messages,
  attachments: after.attachments - before.attachments,
  skipped: after.skipped - before.skipped,
  failed: after.failed - before.failed,
});

/** The count that a page always shows for each stage of a migration, even if it is 0. */
const subjectOf: Record<Stage, keyof Counts | null> = {
  channels: 'channels',
  recent: 'messages',
  rest: 'messages',
  attachments: 'attachments',
  'final-check': null,
};

const countNames: Record<keyof Counts, [one: string, many: string]> = {
  channels: ['channel', 'channels'],
  threads: ['thread', 'threads'],
  messages: ['message', 'messages'],
  attachments: ['attachment', 'attachments'],
  skipped: ['attachment skipped', 'attachments skipped'],
  failed: ['record failed', 'records failed'],
};

/** Counts in words, without those that are 0: `120 threads, 1,000 messages, 2 failed`. */
export function countsText(counts: Counts, stage: Stage | null = null): string {
  const always = stage && subjectOf[stage];
  const shown = (Object.keys(countNames) as (keyof Counts)[]).filter(
    (name) => counts[name] > 0 || name === always,
  );
  const parts = shown.map((name) => {
    const [one, many] = countNames[name];
    return `${count(counts[name])} ${counts[name] === 1 ? one : many}`;
  });
  return parts.join(', ') || 'Nothing';
}

export type RunView = {
  number: number;
  look: Look;
  startedAt: string;
  took: string | null;
  counts: string;
};

/** Returns the runs of a migration before its current run, the latest first. */
export function earlierRuns(move: Move, events: MoveEvent[]): RunView[] {
  const numbers = [...new Set(events.map(({ run }) => run))]
    .filter((run) => run > 0 && run < move.run)
    .toSorted((one, other) => other - one);
  return numbers.flatMap((number) => {
    const own = events.filter(({ run }) => run === number);
    const statuses = own.filter(({ kind }) => kind === 'status');
    const [first, last, status] = [own[0], own.at(-1), statuses.at(-1)];
    if (!first || !last) return [];
    const run = {
      number,
      look: lookOf((status?.name as MigrationStatus | undefined) ?? 'migrating'),
      startedAt: first.at,
      took: duration(between(first, last)),
      counts: countsText(countsIn(last)),
    };
    return [run];
  });
}
