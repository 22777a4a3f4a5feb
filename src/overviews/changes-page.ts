// The page of changes: what was changed at the destination within a period, row by row.
import type { Request, Response } from 'express';
import { entityNamed } from '../catalog/index.ts';
import type { App } from '../environments/app.ts';
import { tryFarSide } from '../environments/far-side.ts';
import { senderTo } from '../environments/rules.ts';
import {
  askedIn,
  byDays,
  filterBar,
  hrefOf,
  queryOf,
  whoAndWhen,
  type Asked,
} from '../web/filter-bar.ts';
import { count, formatDay } from '../web/format.ts';
import { page } from '../web/pages.ts';
import { referencedTitles } from '../web/referenced-titles.ts';
import { numberOrNull } from '../web/request.ts';
import { transferHref } from '../web/transfer-href.ts';
import * as journal from '../writing/journal.ts';
import { changesSince, type Change } from './changes.ts';

/** How many rows the page lists. */
const LISTED = 200;

export async function changes(req: Request, res: Response) {
  const { here } = req;
  const of = here.destination ?? here;
  const period = periodIn(req);
  const before = numberOrNull(req.query['before']);
  const ask = () => changesSince(of, { ...period, before, limit: LISTED });
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
    period: period.text,
    bar: filterBar(req, '/changes', byDays, period.days),
    periods: periods.map(({ number, text }) => ({
      href: `/changes?hours=${number}`,
      text,
      isCurrent: number === period.hours,
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
    olderHref: next === null ? null : hrefOf('/changes', { ...period.query, before: String(next) }),
  });
}

const periods = [
  { number: 4, text: '4 hours' },
  { number: 24, text: '24 hours' },
  { number: 168, text: '7 days' },
  { number: 720, text: '30 days' },
];

/** The longest period, because the changes of a period are counted by transfer before they are listed. */
const MOST_DAYS = 31;
const DAY_MS = 24 * 3600_000;

/** Reads the period from a URL: the last hours, or the days from one to another. */
function periodIn(req: Request) {
  const days = askedIn(req.query, byDays);
  const { from = null, until = null } = whoAndWhen(req, days);
  if (from !== null || until !== null) return { ...daysBetween(from, until, days), hours: null };
  const hours = Math.min(numberOrNull(req.query['hours']) ?? 24, 24 * MOST_DAYS);
  const text = hours < 48 ? `${count(hours)} hours` : `${count(Math.round(hours / 24))} days`;
  const query: Asked = { hours: String(hours) };
  return { hours, from, until, days, query, text: `The last ${text}` };
}

function daysBetween(from: string | null, until: string | null, days: Asked) {
  const end = Math.min(Date.now(), until === null ? Infinity : Date.parse(until));
  const earliest = new Date(end - MOST_DAYS * DAY_MS).toISOString();
  const isCut = from === null || from < earliest;
  const texts = [
    days['from'] ? `from ${formatDay(days['from'])}` : '',
    days['to'] ? `until ${formatDay(days['to'])}` : '',
    isCut ? `the last ${MOST_DAYS} days of this period` : '',
  ].filter(Boolean);
  const text = `Changes ${texts.join(', ')}`;
  return { from: isCut ? earliest : from, until, days, query: queryOf(byDays, days), text };
}

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
    transferName: arrival.name === arrival.title ? '' : `: ${arrival.name}`,
    sourceHref: transferHref(here, arrival),
    entity: entityNamed(arrival.entity),
    verb: verbs[action],
    label: `Changes of ${arrival.title}, line ${arrival.id}`,
    source:
      { save: 'Edited there', refresh: 'Refresh' }[kind as string] ?? `Transfer: ${arrival.name}`,
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
