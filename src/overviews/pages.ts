// Overview pages: pending rows and recent changes.
import type { Request, Response } from 'express';
import { entityNamed, travelling } from '../catalog/index.ts';
import { senderTo, takeOverText } from '../environments/rules.ts';
import * as journal from '../writing/journal.ts';
import { transferHref } from '../web/transfer-href.ts';
import { referencedTitles } from '../web/referenced-titles.ts';
import { page } from '../web/pages.ts';
import { count } from '../web/format.ts';
import { can, numberOrNull, textIn } from '../web/request.ts';
import { changesSince, type Change } from './changes.ts';
import {
  ageOf,
  ages,
  allPending,
  groups,
  matching,
  type Group,
  type PendingEntry,
} from '../state/pending-entries.ts';
import { openSelections } from '../sheet/kept-selections.ts';
import { upcoming } from '../sheet/schedules.ts';
import { tryFarSide } from '../environments/far-side.ts';
import { destinationOf, type App } from '../environments/app.ts';

/**
 * The maximum number of rows that an overview page lists. The page of pending rows lists this many in each of its
 * groups.
 */
const LISTED = 200;

export async function pending(req: Request, res: Response) {
  const there = destinationOf(req.here).rules;
  const all = await allPending(req.here.sql);
  const filter = { entity: textIn(req.query, 'entity'), person: textIn(req.query, 'person') };
  const shown = matching(all, filter);
  const canTransfer = can(req, 'transfer');
  const title = `Pending for ${there.inText}`;
  await page(req, res, 'overviews/pending', {
    title,
    crumbs: [{ text: title }],
    filter,
    ages,
    counts: countsByAge(all),
    people: [...new Set(all.flatMap((row) => row.people))].toSorted(),
    entities: travelling.filter(({ owner }) => owner === null),
    upcoming: canTransfer ? await upcoming(req.here.sql) : [],
    openSelections: canTransfer ? await openSelections(req.here.sql) : [],
    groups: groups.map((group) => groupView(req, group, shown)),
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
    rows: rows.slice(0, LISTED),
    offersAll: canTransfer && group === 'ready' && rows.length > 1,
    offersTransfer: canTransfer && (group === 'ready' || group === 'look'),
    takeOver:
      group === 'look' && can(req, 'take-over')
        ? takeOverText(destinationOf(req.here).rules)
        : null,
    showsWhy: group !== 'ready',
  };
}

/** Counts rows that are ready to send, by entity and by the age of their change. */
function countsByAge(rows: PendingEntry[]) {
  return travelling
    .filter(({ owner }) => owner === null)
    .map((entity) => {
      const own = rows.filter(({ key, group }) => key.entity === entity.name && group === 'ready');
      return {
        entity,
        byAge: ages.map((age) => own.filter((row) => ageOf(row.since) === age).length),
      };
    });
}

export async function changes(req: Request, res: Response) {
  const { here } = req;
  const of = here.destination ?? here;
  const hours = Math.min(numberOrNull(req.query['hours']) ?? 24, 24 * 31);
  const before = numberOrNull(req.query['before']);
  const asked = { hours, before, limit: LISTED };
  const ask = () => changesSince(of, asked);
  const { answer, trouble } =
    of === here ? { answer: await ask(), trouble: null } : await tryFarSide(of, here.log, ask);
  const { changes: found, next } = answer ?? { changes: [], next: null };
  const own = here.destination ? [...new Set(found.map((one) => one.arrival.transfer))] : [];
  const transfers = await journal.byIds(here.sql, own);
  const tested = await journal.testedIn(here.sql, own);
  const list = found.map((change) => {
    const { arrival } = change;
    const tests = tested.get(`${arrival.transfer} ${arrival.entity}:${arrival.row_id}`);
    return changeView(here, change, transfers.get(arrival.transfer), tests ?? null);
  });
  const where = of.rules;
  const title = `What changed in ${where.inText}?`;
  await page(req, res, 'overviews/changes', {
    title,
    crumbs: [{ text: title }],
    where,
    trouble,
    url: here.settings.urls[of.name] ?? '',
    period: periodText(hours),
    periods: periods.map(({ number, text }) => ({
      href: `/changes?hours=${number}`,
      text,
      isCurrent: number === hours,
    })),
    list,
    titles: await referencedTitles(
      here,
      list.flatMap(({ fields }) => fields),
    ),
    columns: [
      { side: 'before', label: 'Before' },
      { side: 'after', label: 'After' },
    ],
    undoHref: undoHrefOf(req),
    olderHref: next === null ? null : `/changes?hours=${hours}&before=${next}`,
  });
}

const periods = [
  { number: 4, text: '4 hours' },
  { number: 24, text: '24 hours' },
  { number: 168, text: '7 days' },
  { number: 720, text: '30 days' },
];

const periodText = (hours: number) =>
  hours < 48 ? `${count(hours)} hours` : `${count(Math.round(hours / 24))} days`;

const verbs = { create: 'created', update: 'changed', remove: 'deleted', same: 'resent' };

/**
 * Describes a change for the page, with the transfer that wrote it, if this environment sent that
 * transfer.
 */
function changeView(
  here: App,
  { arrival, fields, more }: Change,
  transfer: journal.Transfer | undefined,
  tested: string | null,
) {
  const { action, kind } = arrival;
  return {
    arrival,
    fields,
    more,
    tested,
    transfer: transfer ?? null,
    sourceHref: transferHref(here, arrival),
    entity: entityNamed(arrival.entity),
    verb: verbs[action],
    label: `Changes of ${arrival.title}, line ${arrival.id}`,
    source: { save: 'Edited there', refresh: 'Refresh' }[kind as string] ?? arrival.name,
    isNew: action === 'create' && fields.length > 0,
    mayUndo: transfer?.state === 'verified' && action !== 'same',
  };
}

/**
 * Returns the URL of the changes page of the environment that sends rows to production, because only that environment
 * can undo its transfers. Returns null unless this environment is production.
 */
function undoHrefOf({ here }: Request): string | null {
  const { next } = here.rules;
  const sender = senderTo(here.name);
  const url = sender && here.settings.urls[sender];
  return next === null && url ? new URL('/changes', url).href : null;
}
