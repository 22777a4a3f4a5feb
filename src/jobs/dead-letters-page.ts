import type { Request, Response } from 'express';
import { Invalid, NotFound, type FieldErrors } from '../problems.ts';
import { pageOf, type ChronologicalList } from '../web/chronological-list.ts';
import { formatChoice } from '../web/format.ts';
import { flash, orShowErrors, page } from '../web/pages.ts';
import { accountOf, can, numberOrNull } from '../web/request.ts';
import * as deadLetters from './dead-letters.ts';
import { isLive } from './jobs.ts';
import type { Tasks } from './task.ts';

export const index = (tasks: Tasks) => async (req: Request, res: Response) => {
  const { lines, ...list } = await pageOf(req, listOf(req, tasks));
  await page(req, res, 'jobs/dead-letters', {
    title: 'Failed items',
    crumbs: [{ text: 'Jobs', href: '/jobs' }, { text: 'Failed items' }],
    ...list,
    letters: lines.map((letter) => letterView(req, tasks, letter)),
  });
};

const listOf = (req: Request, tasks: Tasks): ChronologicalList<deadLetters.Listed> => ({
  path: '/dead-letters',
  filters: [
    {
      kind: 'choice',
      name: 'state',
      label: 'State',
      any: 'Any state',
      choices: deadLetters.letterStates.map((value) => ({ value, text: formatChoice(value) })),
      usual: 'open',
    },
    {
      kind: 'choice',
      name: 'kind',
      label: 'Kind',
      any: 'Any kind',
      choices: Object.entries(tasks)
        .filter(([, task]) => task.retryItem)
        .map(([value, { label }]) => ({ value, text: label })),
    },
  ],
  find: ({ state = '', kind = '' }, part) =>
    deadLetters.list(req.here.sql, { state, kind, ...part }),
  idOf: ({ id }) => id,
});

function letterView(req: Request, tasks: Tasks, letter: deadLetters.Listed) {
  const task = tasks[letter.kind];
  const isRetrying = letter.retry_state !== null && isLive({ state: letter.retry_state });
  return {
    ...letter,
    kindLabel: task?.label ?? letter.kind,
    // When this program does not know the kind of job, it cannot tell who may see the payload, so
    // it hides the payload.
    payload: task && can(req, task.showsItemsTo ?? 'look') ? letter.payload : null,
    stateText: isRetrying ? 'Retrying' : formatChoice(letter.state),
    isOpen: letter.state === 'open' && !isRetrying,
    mayBeRetried: task?.retryItem !== undefined,
  };
}

const addressedId = (req: Request) => numberOrNull(req.params['id']) ?? 0;

export async function retry(req: Request, res: Response) {
  const job = await deadLetters.retry(req.here, addressedId(req), accountOf(req).email);
  await req.line.push(job);
  flash(req, `Job ${job.number} retries it.`);
  res.redirect(303, '/dead-letters');
}

const letterCrumbs = [
  { text: 'Jobs', href: '/jobs' },
  { text: 'Failed items', href: '/dead-letters' },
  { text: 'Discard' },
];

/** Shows the page that asks why a dead letter is discarded. */
export const showDiscarding = (req: Request, res: Response) => discardingPage(req, res, {});

async function discardingPage(req: Request, res: Response, errors: FieldErrors) {
  const letter = await deadLetters.byId(req.here.sql, addressedId(req));
  if (!letter) throw new NotFound('There is no such dead letter.');
  await page(req, res, 'jobs/discarding', {
    title: `Discard ${letter.item_key}`,
    crumbs: letterCrumbs,
    what: letter.item_key,
    consequence: 'It is not processed any more. The list keeps it, with your reason.',
    facts: [{ label: 'Failed because', value: letter.reason }],
    action: `/dead-letters/${letter.id}/discarding`,
    hidden: [],
    back: '/dead-letters',
    typed: req.form.raw('reason') ?? '',
    errors,
  });
}

/**
 * Reads the typed reason for discarding dead letters.
 * @throws Invalid when the reason is missing or too long
 */
export function reasonIn({ form }: Request): string {
  const reason = form.textUpTo(500, 'reason', 'The reason');
  if (reason === '') throw new Invalid({ reason: 'Enter why it is discarded' });
  return reason;
}

export const discard = (tasks: Tasks) => async (req: Request, res: Response) => {
  const discardPosted = async () => {
    const letter = await deadLetters.byId(req.here.sql, addressedId(req));
    const whenDiscarded = letter && tasks[letter.kind]?.whenDiscarded;
    await deadLetters.discard(req.here, addressedId(req), {
      person: accountOf(req).email,
      note: reasonIn(req),
      ...(whenDiscarded && { also: whenDiscarded }),
    });
    flash(req, 'The item is discarded. The list and the audit history keep your reason.');
    res.redirect(303, '/dead-letters');
  };
  await orShowErrors(res, discardPosted, (errors) => discardingPage(req, res, errors));
};
