import type { Request, Response } from 'express';
import { flash, page } from '../web/pages.ts';
import { accountOf, numberOrNull, textIn } from '../web/request.ts';
import * as deadLetters from './dead-letters.ts';
import { isLive } from './jobs.ts';
import type { Tasks } from './task.ts';

export const index = (tasks: Tasks) => async (req: Request, res: Response) => {
  const state = deadLetters.letterStates.find((one) => one === req.query['state']);
  const filter = {
    // What is to be done, unless someone asks for the rest.
    state: state ?? (req.query['state'] === 'all' ? '' : 'open'),
    kind: textIn(req.query, 'kind'),
    before: numberOrNull(req.query['before']),
  };
  const letters = await deadLetters.list(req.here.sql, filter);
  const address = { state: filter.state || 'all', kind: filter.kind };
  await page(req, res, 'jobs/dead-letters', {
    title: 'Dead letters',
    crumbs: [{ text: 'Jobs', href: '/jobs' }, { text: 'Dead letters' }],
    filter,
    states: deadLetters.letterStates,
    kinds: Object.entries(tasks).filter(([, task]) => task.retryItem),
    labelOfKind: (kind: string) => tasks[kind]?.label ?? kind,
    letters: letters.map((letter) => ({
      ...letter,
      isRetrying: letter.retry_state !== null && isLive({ state: letter.retry_state }),
      mayBeRetried: tasks[letter.kind]?.retryItem !== undefined,
    })),
    older: String(new URLSearchParams({ ...address, before: String(letters.at(-1)?.id) })),
  });
};

const addressedId = (req: Request) => numberOrNull(req.params['id']) ?? 0;

export async function retry(req: Request, res: Response) {
  const job = await deadLetters.retry(req.here, addressedId(req), accountOf(req).email);
  await req.line.push(job);
  flash(req, `Job ${job.number} retries it.`);
  res.redirect(303, '/dead-letters');
}

export async function discard(req: Request, res: Response) {
  await deadLetters.discard(req.here, addressedId(req), accountOf(req).email);
  flash(req, 'The item is discarded. The audit history keeps its reason.');
  res.redirect(303, '/dead-letters');
}
