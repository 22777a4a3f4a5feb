// The home page: what waits for the signed-in person, what was written and sent lately, and how many rows there are.
import type { Request, Response } from 'express';
import { entityNamed, travelling } from '../catalog/index.ts';
import { timeouts } from '../database/timeouts.ts';
import { isStaging } from '../access/permissions.ts';
import { senderTo } from '../environments/rules.ts';
import { countUnscheduled } from '../sheet/kept-selections.ts';
import { upcoming } from '../sheet/schedules.ts';
import type { PendingCounts } from '../state/pending-counts.ts';
import { countEach } from '../state/row-counts.ts';
import { kindsHere, kindsThere, writesThere, type TransferKind } from '../state/transfer-kinds.ts';
import { undoneText } from '../web/format.ts';
import { page } from '../web/pages.ts';
import { accountOf, can } from '../web/request.ts';
import { viewer } from '../web/viewer.ts';
import { approvalsWaiting, failureCounts, mayRepair, pendingCounts } from '../web/work-counts.ts';
import * as activity from './activity.ts';
import { byDay, dayChart, quarters, withinADay } from './days.ts';
import { drawLadder, ladderFrom, askDestination } from './ladder.ts';
import { firstSteps } from './first-steps.ts';
import { isCounted, workList } from './work-list.ts';

export async function home(req: Request, res: Response) {
  const { here } = req;
  const account = accountOf(req);
  const isSending = here.destination !== null;
  // The environments are read at the same time, so that the page waits for the slowest only.
  const [pending, failures, beyond, found, rowCounts, unsentSelections, scheduled, approvals] =
    await Promise.all([
      pendingCounts(req, timeouts.page),
      failureCounts(req, timeouts.page),
      askDestination(here),
      quarters(here.sql, isSending, timeouts.page),
      countEach(here, roots),
      can(req, 'transfer') ? countUnscheduled(here.sql) : 0,
      can(req, 'transfer') ? upcoming(here.sql) : [],
      approvalsWaiting(req, timeouts.page),
    ]);
  const counts = pending?.answer ?? null;
  const own = pending && { answer: pending.answer.all, at: pending.at };
  const trouble = beyond?.answer.trouble ?? null;
  const steps = ladderFrom(here, own, beyond && { answer: beyond.answer.answer, at: beyond.at });
  const days = byDay(found?.answer ?? [], viewer().zone);
  const isEmpty = roots.every(({ name }) => rowCounts.get(name) === 0);
  const destination = here.destination?.rules ?? null;
  await page(req, res, 'home/home', {
    title: 'Home',
    purpose: purposeOf(req),
    isCounted: isCounted({ destination, pending: counts, failures: failures?.answer ?? null }),
    work: workList({
      email: account.email,
      does: {
        transfer: can(req, 'transfer'),
        edit: can(req, 'edit'),
        test: can(req, 'judge'),
        data: can(req, 'manage-data'),
        repair: mayRepair(req),
      },
      destination,
      pending: counts,
      failures: failures?.answer ?? null,
      unsentSelections,
      scheduled,
      approvals,
      trouble,
      transfersToday: withinADay(found?.answer ?? []),
    }),
    start: isEmpty
      ? firstSteps(here, { mayEdit: can(req, 'edit'), mayRefresh: can(req, 'refresh') })
      : null,
    ladder: { drawing: drawLadder(here.name, steps), steps, trouble },
    days: { all: days, chart: dayChart(days), to: (here.destination ?? here).rules.inText },
    rows: roots.map((entity) => catalogRow(entity, rowCounts, counts)),
    countedAt: pending && new Date(pending.at).toISOString(),
    ...(await activityOf(req, isEmpty)),
  });
}

const roots = travelling.filter(({ owner }) => owner === null);

/** Reads the latest writes and transfers and the people who are saving now, for the lists of the home page. */
async function activityOf(req: Request, isEmpty: boolean) {
  const { here, house } = req;
  const isReceiving = senderTo(here.name) !== undefined;
  const mayView = accountOf(req).permissions.length === 0;
  const [arrived, written, sent, saving, administrators] = await Promise.all([
    isReceiving ? activity.lastWritten(here.sql, kindsThere) : [],
    activity.lastWritten(here.sql, kindsHere),
    here.destination ? activity.lastSent(here.sql) : [],
    isStaging(here.setup) ? activity.savingNow(here.sql) : [],
    mayView ? activity.administrators(house.sql) : [],
  ]);
  return {
    // The home page leaves out each list that is null. Empty lists are left out while the catalogue is empty. Where
    // rows come from another environment, as in production, an empty list of changes is always left out.
    arrived: isReceiving && !isEmpty ? arrived.map(writtenView) : null,
    writtenHeading: isReceiving ? 'Changed here without a transfer' : 'Last changes',
    written: (isReceiving || isEmpty) && written.length === 0 ? null : written.map(writtenView),
    sent: isEmpty && sent.length === 0 ? null : here.destination && sent.map(sentView),
    saving,
    rights: mayView ? { administrators } : null,
  };
}

const verbs: Record<TransferKind, string> = {
  save: 'saved',
  transfer: 'transferred',
  undo: 'undone',
  restore: 'restored',
  takeover: 'taken over',
  'undo-here': 'undone',
  refresh: 'refreshed',
};

const actionVerbs = { create: 'added', update: 'changed', remove: 'deleted', same: 'saved' };

function writtenView(line: activity.Written) {
  const isSave = line.kind === 'save';
  // The page *Arrived* lists only what a transfer from another environment wrote. Other writes, such as a refresh, have
  // a link to the history of their first row instead.
  const isArrived = writesThere(line);
  return {
    ...line,
    verb: isSave ? actionVerbs[line.action] : verbs[line.kind],
    text: isSave || line.name === '' ? line.title : line.name,
    typeText: isSave ? entityNamed(line.entity).label.one : null,
    others: line.rows_count - 1,
    href: isArrived ? '/arrivals' : `/catalog/${line.root_entity}/${line.root_id}/history`,
  };
}

const stateTexts: Partial<Record<activity.Sent['state'], string>> = {
  verified: 'Done',
  refused: 'Refused',
  rolled_back: 'Rolled back',
  needs_attention: 'Needs attention',
};
const stateTones: Partial<Record<activity.Sent['state'], string>> = {
  verified: 'ok',
  refused: 'bad',
  rolled_back: 'bad',
  needs_attention: 'bad',
};

function sentView(line: activity.Sent) {
  const undone = undoneText(line.undone_count, line.steps);
  return {
    ...line,
    stateText: undone ?? stateTexts[line.state] ?? 'In progress',
    tone: stateTones[line.state] ?? 'new',
    undoHref: undone && `/transfers/${line.undone_in}`,
  };
}

/** Counts the rows of an entity, and those with pending changes. Each count has a link to its rows. */
function catalogRow(
  entity: (typeof roots)[number],
  rowCounts: Map<string, number>,
  pending: PendingCounts | null,
) {
  const { name, label } = entity;
  const counts = pending?.ofEntity.get(name);
  return {
    entity,
    all: rowCounts.get(name) ?? null,
    links: [
      { number: counts?.ready ?? 0, href: `/catalog/${name}?tab=ready`, spoken: '' },
      { number: counts?.engineering ?? 0, href: `/catalog/${name}?tab=engineering`, spoken: '' },
      {
        number: counts?.look ?? 0,
        href: `/pending?group=look&entity=${name}`,
        spoken: `${label.many} need review`,
      },
    ],
  };
}

function purposeOf({ here }: Request): string {
  if (here.destination)
    return `Rows are transferred from here to ${here.destination.rules.inText}.`;
  return here.rules.asksReason
    ? 'What the apps read. Everyone may view, nobody may edit.'
    : 'Nothing is transferred out of here.';
}
