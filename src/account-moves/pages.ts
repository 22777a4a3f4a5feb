// The dashboard *Account migrations*: all accounts, how long people wait, and what failed.
import type { Request, Response } from 'express';
import { needMoves } from '../inbox/account-address.ts';
import { EXTERNAL_ID } from '../inbox/accounts.ts';
import { Invalid, Problem } from '../problems.ts';
import { duration } from '../web/format.ts';
import { flash, page } from '../web/pages.ts';
import { olderHref } from '../web/paginate.ts';
import { accountOf, can, numberOrNull, textIn } from '../web/request.ts';
import { hrefOf } from './account-pages.ts';
import { accountsText, continuedText, failureView, handledText, letterView } from './causes.ts';
import { chartOf, everyDay } from './chart.ts';
import { groupTexts, lookOf, moveGroups } from './move-view.ts';
import { byExternalId } from './moves.ts';
import * as overview from './overview.ts';
import { progressOf } from './progress.ts';
import { ask, requestMove } from './requests.ts';
import { retryLetters } from './retries.ts';
import { activeWaves } from './waves.ts';
import { waveHeadView } from './wave-view.ts';

/** How many days the chart of completed and failed migrations shows. */
const DAYS = 14;
/** How many unfinished waves (sets of accounts to migrate) the dashboard lists; the page of waves lists more. */
const WAVES = 5;
/** How many accounts one click retries. */
const RETRIED = 200;

export async function index(req: Request, res: Response) {
  needMoves(req.here);
  const { sql: on } = req.here;
  const search = textIn(req.query, 'q');
  const found = search === '' ? undefined : await byExternalId(on, search);
  if (found) return res.redirect(303, hrefOf(found));
  const filter = {
    group: moveGroups.find((one) => one === req.query['status']) ?? null,
    wave: numberOrNull(req.query['wave']),
    search,
    before: numberOrNull(req.query['before']),
  };
  const kept = { status: filter.group ?? '', wave: textIn(req.query, 'wave'), q: search };
  const list = await overview.listMoves(on, filter);
  await page(req, res, 'account-moves/list', {
    title: 'Account migrations',
    crumbs: [{ text: 'Account migrations' }],
    tiles: await tilesOf(req, filter.wave, kept),
    times: await timesOf(req),
    ...(await chartView(req)),
    ...(await wavesView(req, filter.wave)),
    failures: (await overview.failedByCause(on)).map((one) => failureView(one, RETRIED)),
    letters: (await overview.lettersByCause(on)).map(letterView),
    filter: kept,
    isFiltered: Object.values(kept).some((value) => value !== ''),
    mayAsk: list.length === 0 && EXTERNAL_ID.test(search) && can(req, 'move-accounts'),
    list: list.map(listView),
    // The result of a search is one page, sorted by id. If accounts are missing on it, the person
    // enters more characters of the id.
    isCut: search !== '' && list.length === overview.LISTED,
    olderHref:
      search === ''
        ? olderHref('/account-moves', kept, list.length, list.at(-1)?.account_id)
        : null,
  });
}

async function tilesOf(req: Request, wave: number | null, kept: Record<string, string>) {
  const counts = await overview.countGroups(req.here.sql, wave);
  return moveGroups.map((group) => {
    const isCurrent = kept['status'] === group;
    const query = new URLSearchParams({
      ...(isCurrent ? {} : { status: group }),
      ...(wave === null ? {} : { wave: String(wave) }),
    });
    return {
      text: groupTexts[group],
      number: counts[group],
      isCurrent,
      href: `/account-moves?${query.toString()}#accounts`,
    };
  });
}

async function timesOf({ here: { sql: on } }: Request) {
  const asked = [
    { text: 'Until channels', status: 'channels-only' },
    { text: 'Until recent messages', status: 'recent-messages-only' },
  ] as const;
  return Promise.all(
    asked.map(async ({ text, status }) => {
      const { runs, median, p95 } = await overview.waitingTimes(on, status);
      return {
        text,
        accounts: accountsText(runs),
        median: median === null ? null : duration(median),
        p95: p95 === null ? null : duration(p95),
      };
    }),
  );
}

async function chartView({ here }: Request) {
  const today = new Date().toISOString().slice(0, 10);
  const days = everyDay(await overview.movesByDay(here.sql, DAYS), today, DAYS);
  return {
    chart: chartOf(days),
    days: days.toReversed().filter(({ done, failed }) => done + failed > 0),
  };
}

async function wavesView({ here: { sql: on } }: Request, filtered: number | null) {
  const names = await overview.waveNames(on);
  const isListed = filtered === null || names.some(({ id }) => id === filtered);
  return {
    waves: (await activeWaves(on, WAVES)).map(waveHeadView),
    waveOptions: [
      { value: '', text: 'Any wave' },
      ...names.map(({ id, name }) => ({ value: String(id), text: name })),
      ...(isListed ? [] : [{ value: String(filtered), text: `Wave ${filtered}` }]),
    ],
  };
}

const listView = (move: overview.ListedMove) => ({
  ...move,
  href: hrefOf(move),
  look: lookOf(move.migration_status),
  letters: move.failed + move.skipped,
  percent: progressOf(move, Date.now()).percent,
});

/** Asks the older system about an account that Oneway does not know yet. */
export async function add(req: Request, res: Response) {
  needMoves(req.here);
  const id = req.form.text('account');
  if (!EXTERNAL_ID.test(id)) throw new Invalid({ account: 'Enter the id of an account.' });
  const move = await ask(req.here, id);
  res.redirect(303, hrefOf(move));
}

/**
 * Retries accounts that failed for one cause. Accounts of a wave (accounts that are migrated in the background) are
 * retried as part of their wave, at low priority, so that accounts for which somebody waits are migrated first.
 */
export async function retryAccounts(req: Request, res: Response) {
  needMoves(req.here);
  const failed = await overview.failedOf(req.here.sql, req.form.text('cause'), RETRIED);
  const passed: string[] = [];
  for (const { external_id: account, part, wave_id: wave } of failed) {
    const person = accountOf(req).email;
    try {
      const { job } = await requestMove(req.here, { account, part, wave, person });
      if (job) await req.line.push(job);
      else passed.push('another person has continued it');
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      passed.push(error.message);
    }
  }
  flash(req, continuedText(failed.length - passed.length, passed));
  res.redirect(303, '/account-moves');
}

/** Retries the dead letters of one cause in all accounts. */
export async function retryRecords(req: Request, res: Response) {
  needMoves(req.here);
  const wanted = { cause: req.form.text('cause'), person: accountOf(req).email };
  const handled = await retryLetters(req.here, wanted, (job) => req.line.push(job));
  flash(req, handledText('retried', handled));
  res.redirect(303, '/account-moves');
}
