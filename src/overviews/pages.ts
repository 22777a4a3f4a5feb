// The page of pending rows, whose changes were not sent to the next environment yet.
import type { Request, Response } from 'express';
import { travelling } from '../catalog/index.ts';
import { tryFarSide } from '../environments/far-side.ts';
import { takeOverText } from '../environments/rules.ts';
import { hrefOf } from '../web/filter-bar.ts';
import { page } from '../web/pages.ts';
import { can, textIn } from '../web/request.ts';
import {
  ageOf,
  ages,
  allPending,
  groups,
  matching,
  type Group,
  type PendingEntry,
  type PendingFilter,
} from '../state/pending-entries.ts';
import type { Status } from '../state/status.ts';
import { offeredSelections } from '../sheet/selection-list-page.ts';
import { upcoming } from '../sheet/schedules.ts';
import { newestOf, readChangedThere } from '../state/changed-there.ts';
import { destinationOf } from '../environments/app.ts';

/** The maximum number of rows that the page lists in each group. */
const LISTED = 200;

export async function pending(req: Request, res: Response) {
  const there = destinationOf(req.here).rules;
  const all = await allPending(req.here.sql);
  const filter = {
    group: groups.find((one) => one === textIn(req.query, 'group')) ?? '',
    entity: textIn(req.query, 'entity'),
    person: textIn(req.query, 'person'),
  };
  const shown = matching(all, filter);
  const canTransfer = can(req, 'transfer');
  const title = `Pending for ${there.inText}`;
  await page(req, res, 'overviews/pending', {
    title,
    crumbs: [{ text: title }],
    filter,
    ages,
    counts: ['', 'ready'].includes(filter.group) ? countsByAge(shown, filter) : [],
    people: [...new Set(all.flatMap((row) => row.people))].toSorted(),
    entities: travelling.filter(({ owner }) => owner === null),
    upcoming: canTransfer ? await upcoming(req.here.sql) : [],
    openSelections: await offeredSelections(req),
    choices: groups.map((group) => ({ name: group, text: groupTexts[group].heading })),
    groups: await withChangesThere(
      req,
      groups
        .filter((group) => filter.group === '' || group === filter.group)
        .map((group) => groupView(req, group, shown)),
    ),
  });
}

/**
 * The texts about each group of pending rows. `anchor`: the section of the page Help that explains the word in the
 * heading.
 */
const groupTexts: Record<Group, { heading: string; hint: string; anchor: string }> = {
  ready: {
    heading: 'Ready to transfer',
    anchor: 'ready-to-transfer',
    hint: 'New or changed here. The sheet shows whether there are problems.',
  },
  look: {
    heading: 'Needs review',
    anchor: 'needs-review',
    hint: 'Changed there, deleted, or undone: the sheet asks before sending.',
  },
  engineering: {
    heading: 'Engineering changes',
    anchor: 'engineering-change',
    hint: 'Not transferred until a product manager adopts it.',
  },
  held: {
    heading: 'Not for production',
    anchor: 'not-for-production',
    hint: 'Marked to stay here and left out of the pending counts.',
  },
};

function groupView(req: Request, group: Group, entries: PendingEntry[]) {
  const canTransfer = can(req, 'transfer');
  const rows = entries.filter((row) => row.group === group);
  return {
    name: group,
    ...groupTexts[group],
    total: rows.length,
    rows: rows
      .slice(0, LISTED)
      .map((row) => ({ ...row, why: row.why ?? whys[row.status] ?? null })),
    offersAll: canTransfer && group === 'ready' && rows.length > 1,
    offersTransfer: canTransfer && (group === 'ready' || group === 'look'),
    takeOver:
      group === 'look' && can(req, 'take-over')
        ? takeOverText(destinationOf(req.here).rules)
        : null,
    showsWhy: group !== 'ready',
  };
}

/**
 * Adds who changed the listed rows at the destination, which one query reads there. While the destination does not
 * answer, only the people who changed the rows here are known.
 */
async function withChangesThere({ here }: Request, listed: ReturnType<typeof groupView>[]) {
  const destination = destinationOf(here);
  const seen = new Map(listed.flatMap(({ rows }) => rows.flatMap((row) => [...row.changedThere])));
  const { answer } =
    seen.size > 0
      ? await tryFarSide(destination, here.log, () => readChangedThere(destination.sql, seen))
      : { answer: null };
  return listed.map((group) => ({
    ...group,
    rows: group.rows.map((row) => {
      const changes = [...row.changedThere.keys()].flatMap((text) => answer?.get(text) ?? []);
      const changed = newestOf(changes);
      return { ...row, changed, people: changed && isUnchangedHere(row) ? [] : row.people };
    }),
  }));
}

/** Whether a row was changed or deleted only at the destination. */
const isUnchangedHere = ({ status }: PendingEntry) =>
  status === 'Changed there' || status === 'Deleted there';

/** What sending a row would do, by the status for which the row needs review. */
const whys: Partial<Record<Status, string>> = {
  'Changed there': 'Overwrites a change',
  'Changed on both': 'Overwrites a change',
  'Deleted here': 'Deletes it there',
  'Deleted here, changed there': 'Deletes a change',
  'Deleted there': 'Adds it again',
  'Changed here, deleted there': 'Adds it again',
  'Not known to be the same row': 'Maybe another row',
};

/** Counts the rows that are ready to be sent to the next environment, by entity and by the age of their change. */
function countsByAge(rows: PendingEntry[], { entity: wanted, person }: PendingFilter) {
  return travelling
    .filter(({ owner, name }) => owner === null && (wanted === '' || name === wanted))
    .map((entity) => {
      const own = rows.filter(({ key, group }) => key.entity === entity.name && group === 'ready');
      return {
        entity,
        href: hrefOf('/pending', { entity: entity.name, ...(person && { person }) }),
        byAge: ages.map((age) => own.filter((row) => ageOf(row.since) === age).length),
      };
    });
}
