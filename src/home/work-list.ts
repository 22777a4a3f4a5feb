// Lists the work that a person should do next: one line for each kind of work, with its count and the page where it is
// done. Pure functions.
import type { EnvironmentRules } from '../environments/rules.ts';
import type { PendingCounts } from '../state/pending-counts.ts';
import type { UpcomingTransfer } from '../sheet/schedules.ts';
import { exactly } from '../web/format.ts';
import type { FailureCounts } from '../web/work-counts.ts';

export type WorkLine = {
  /**
   * How many rows, jobs or other things wait for the person; null for a line without a number, such as a destination
   * that does not answer.
   */
  number: number | null;
  text: string;
  detail: string;
  href: string;
  icon: string;
  tone: 'new' | 'changed' | 'bad';
};

export type WorkFacts = {
  email: string;
  /** The kinds of work that the person’s permissions include. Lines about other kinds of work are left out. */
  does: Record<'transfer' | 'edit' | 'test' | 'repair' | 'data', boolean>;
  destination: EnvironmentRules | null;
  pending: PendingCounts | null;
  failures: FailureCounts | null;
  /** How many kept selections were not sent yet and have no schedule. */
  unsentSelections: number;
  /** The named selections of rows that are scheduled to be transferred at a set time, the earliest first. */
  scheduled: UpcomingTransfer[];
  /** How many requests of other people wait for the approval of this person; null if that is not known. */
  approvals: number | null;
  /** What is wrong with the destination; null if it answers. */
  trouble: string | null;
  /** How many transfers arrived here or were sent from here within the last 24 hours. */
  transfersToday: number;
};

/** Returns the lines in the order of their urgency; lines without work are left out. */
export const workList = (facts: WorkFacts): WorkLine[] =>
  [
    ...repairs(facts),
    ...approving(facts),
    ...testing(facts),
    ...sending(facts),
    ...editing(facts),
    ...dataFiles(facts),
    ...news(facts),
  ].filter(({ number }) => number !== 0);

/**
 * Whether the rows that wait to be transferred, and the failed jobs and transfers, have been counted. Only then does an
 * empty work list mean that there is nothing to do.
 */
export const isCounted = ({
  destination,
  pending,
  failures,
}: Pick<WorkFacts, 'destination' | 'pending' | 'failures'>): boolean =>
  failures !== null && (destination === null || pending !== null);

const numbered = (number: number, one: string, many: string) => ({
  number,
  text: number === 1 ? one : many,
  detail: '',
});

function repairs({ does, failures, trouble }: WorkFacts): WorkLine[] {
  if (!does.repair && !does.transfer) return [];
  const look = { icon: 'triangle-alert', tone: 'bad' } as const;
  const transfers: WorkLine = {
    ...numbered(failures?.transfers ?? 0, 'transfer needs attention', 'transfers need attention'),
    ...look,
    href: '/transfers',
  };
  const unreachable: WorkLine[] = trouble
    ? [
        {
          number: null,
          text: trouble,
          detail: 'Rows cannot be transferred now.',
          href: '/comparison',
          ...look,
        },
      ]
    : [];
  if (!does.repair) return [...unreachable, transfers];
  return [
    ...unreachable,
    transfers,
    {
      ...numbered(failures?.jobs ?? 0, 'job failed', 'jobs failed'),
      detail: 'In the last 7 days',
      href: '/jobs?state=failed',
      ...look,
    },
    {
      ...numbered(failures?.deadLetters ?? 0, 'failed item of a job', 'failed items of jobs'),
      detail: 'They failed for good, until someone retries or discards them',
      href: '/dead-letters',
      ...look,
    },
    {
      ...numbered(
        failures?.deliveries ?? 0,
        'notification was given up',
        'notifications were given up',
      ),
      href: '/outbox?state=failed',
      ...look,
    },
    {
      ...numbered(
        failures?.retried ?? 0,
        'notification is sent again',
        'notifications are sent again',
      ),
      detail: 'The first attempt failed',
      href: '/outbox?state=pending',
      icon: 'refresh-cw',
      tone: 'changed',
    },
  ];
}

function approving({ approvals, destination }: WorkFacts): WorkLine[] {
  if (!destination) return [];
  return [
    {
      ...numbered(
        approvals ?? 0,
        'transfer waits for your approval',
        'transfers wait for your approval',
      ),
      detail: `To ${destination.inText}`,
      href: '/approvals',
      icon: 'users',
      tone: 'changed',
    },
  ];
}

function testing({ does, pending, destination }: WorkFacts): WorkLine[] {
  if (!does.test || !pending || !destination) return [];
  return [
    {
      ...numbered(pending.failing, 'row does not work', 'rows do not work'),
      detail: `Pending for ${destination.inText}, and marked in the last test`,
      href: '/arrivals',
      icon: 'circle-x',
      tone: 'bad',
    },
    {
      ...numbered(pending.untested, 'arrived row is not tested', 'arrived rows are not tested'),
      detail: `Say whether they work before they go to ${destination.inText}.`,
      href: '/arrivals',
      icon: 'flask-conical',
      tone: 'changed',
    },
  ];
}

function sending(facts: WorkFacts): WorkLine[] {
  const { does, pending, destination, unsentSelections } = facts;
  if (!does.transfer || !pending || !destination) return [];
  const { ready, look, engineering } = pending.all;
  return [
    {
      ...numbered(ready, 'row is ready to transfer', 'rows are ready to transfer'),
      detail: `To ${destination.inText}`,
      href: '/pending?group=ready',
      icon: 'send',
      tone: 'new',
    },
    {
      ...numbered(look, 'row needs review', 'rows need review'),
      detail:
        pending.changedThere > 0
          ? `${pending.changedThere} changed or deleted in ${destination.inText}`
          : 'Deleted here, or undone before',
      href: '/pending?group=look',
      icon: 'eye',
      tone: 'changed',
    },
    {
      ...numbered(engineering, 'engineering change to adopt', 'engineering changes to adopt'),
      detail: 'Not transferred until a product manager adopts them',
      href: '/pending?group=engineering',
      icon: 'wrench',
      tone: 'changed',
    },
    {
      ...numbered(unsentSelections, 'selection is not sent yet', 'selections are not sent yet'),
      href: '/selections',
      icon: 'list-checks',
      tone: 'new',
    },
    ...scheduledLine(facts),
  ];
}

function scheduledLine({ scheduled }: WorkFacts): WorkLine[] {
  const [next] = scheduled;
  if (!next) return [];
  return [
    {
      ...numbered(scheduled.length, 'selection is scheduled', 'selections are scheduled'),
      detail: `Next: “${next.name}”, ${exactly(next.run_at)}`,
      href: '/selections',
      icon: 'clock',
      tone: 'new',
    },
  ];
}

function editing({ does, email, pending, destination }: WorkFacts): WorkLine[] {
  if (!does.edit || does.transfer || !pending || !destination) return [];
  return [
    {
      ...numbered(
        pending.ofPerson.get(email) ?? 0,
        `row that you changed is not in ${destination.inText} yet`,
        `rows that you changed are not in ${destination.inText} yet`,
      ),
      detail: 'A product manager transfers them.',
      href: `/pending?person=${encodeURIComponent(email)}`,
      icon: 'hourglass',
      tone: 'new',
    },
  ];
}

function dataFiles({ does, failures }: WorkFacts): WorkLine[] {
  if (!does.data) return [];
  return [
    {
      ...numbered(failures?.datafiles ?? 0, 'data file failed', 'data files failed'),
      detail: 'They could not be read or loaded.',
      href: '/datafiles?state=failed',
      icon: 'file-spreadsheet',
      tone: 'bad',
    },
  ];
}

function news({ does, destination, transfersToday }: WorkFacts): WorkLine[] {
  if (does.transfer || does.repair) return [];
  return [
    {
      ...(destination
        ? numbered(
            transfersToday,
            `transfer to ${destination.inText}`,
            `transfers to ${destination.inText}`,
          )
        : numbered(transfersToday, 'transfer arrived', 'transfers arrived')),
      detail: 'In the last 24 hours',
      href: '/changes?hours=24',
      icon: 'clock',
      tone: 'new',
    },
  ];
}
