import type { Request, Response } from 'express';
import { formatChoice } from '../web/format.ts';
import { flash, page } from '../web/pages.ts';
import { olderHref } from '../web/paginate.ts';
import { accountOf, numberOrNull, textIn } from '../web/request.ts';
import * as deadLetters from './dead-letters.ts';
import { isLive } from './jobs.ts';
import type { Tasks } from './task.ts';

export const index = (tasks: Tasks) => async (req: Request, res: Response) => {
  const state = deadLetters.letterStates.find((one) => one === req.query['state']);
  const filter = {
    // The page shows open dead letters by default.
    state: state ?? (req.query['state'] === 'all' ? '' : 'open'),
    kind: textIn(req.query, 'kind'),
  };
  const before = numberOrNull(req.query['before']);
  const letters = await deadLetters.list(req.here.sql, { ...filter, before });
  const address = { state: filter.state || 'all', kind: filter.kind };
  await page(req, res, 'jobs/dead-letters', {
    title: 'Dead letters',
    crumbs: [{ text: 'Jobs', href: '/jobs' }, { text: 'Dead letters' }],
    filter,
    isFiltered: filter.state !== 'open' || filter.kind !== '',
    states: deadLetters.letterStates.map((value) => ({ value, text: formatChoice(value) })),
    kinds: Object.entries(tasks)
      .filter(([, task]) => task.retryItem)
      .map(([value, { label }]) => ({ value, text: label })),
    letters: letters.map((letter) => letterView(tasks, letter)),
    olderHref: olderHref('/dead-letters', address, letters.length, letters.at(-1)?.id),
  });
};

function letterView(tasks: Tasks, letter: deadLetters.Listed) {
  const isRetrying = letter.retry_state !== null && isLive({ state: letter.retry_state });
  return {
    ...letter,
    kindLabel: tasks[letter.kind]?.label ?? letter.kind,
    stateText: isRetrying ? 'Retrying' : formatChoice(letter.state),
    isOpen: letter.state === 'open' && !isRetrying,
    mayBeRetried: tasks[letter.kind]?.retryItem !== undefined,
  };
}

const addressedId = (req: Request) => numberOrNull(req.params['id']) ?? 0;

export async function retry(req: Request, res: Response) {
  const job = await deadLetters.retry(req.here, addressedId(req), accountOf(req).email);
  await req.line.push(job);
  flash(req, `Job ${job.number} retries it.`);
  res.redirect(303, '/dead-letters');
}

export async function discard(req: Request, res: Response) {
  const person = accountOf(req).email;
  await deadLetters.discard(req.here, addressedId(req), { person, note: '' });
  flash(req, 'The item is discarded. The audit history keeps its reason.');
  res.redirect(303, '/dead-letters');
}
