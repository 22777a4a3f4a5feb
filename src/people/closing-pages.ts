// Closes the account of a person who leaves. The confirmation page lists, for every environment, what ends (such as
// sessions) and what stays (such as lines of the audit history). Then the browser goes to the server of each further
// environment, where an administrator of that environment confirms.
import type { Request, Response } from 'express';
import type { FieldErrors } from '../problems.ts';
import { orShowErrors, page } from '../web/pages.ts';
import { accountOf, numberOrNull, textIn } from '../web/request.ts';
import { across } from './across.ts';
import { goOnward, inOrder, namesIn } from './onward.ts';
import * as people from './people.ts';
import { stayingInWords } from './staying-words.ts';

export async function show(req: Request, res: Response) {
  const isFirst = !('onward' in req.query);
  await closingPage(req, res, isFirst ? null : namesIn(textIn(req.query, 'onward')), {});
}

/**
 * Shows the confirmation page. `onward`: the other environments that are ticked, in which the account is closed next;
 * null if all are ticked.
 */
async function closingPage(
  req: Request,
  res: Response,
  onward: string[] | null,
  errors: FieldErrors,
) {
  const person = await knownPerson(req);
  const lines = await across(req.here, req.redis, person, { countsStaying: true });
  await page(req, res, 'people/closing', {
    title: `${Object.keys(errors).length > 0 ? 'Error: ' : ''}Close the account of ${person.name}`,
    crumbs: [
      { text: 'People', href: '/people' },
      { text: person.name, href: `/people/${person.id}` },
    ],
    person,
    isOwn: person.id === accountOf(req).id,
    lines: lines.map((line) => ({
      ...line,
      isOpen: line.account !== null && line.account.state !== 'closed',
      stays: line.account?.staying ? stayingInWords(line.account.staying, line.url) : [],
      isChosen: onward?.includes(line.name) ?? true,
    })),
    errors,
  });
}

const knownPerson = ({ here, params }: Request) =>
  people.known(here.sql, numberOrNull(params['id']) ?? 0);

export async function close(req: Request, res: Response) {
  const { here, form } = req;
  const person = await knownPerson(req);
  const { id, name } = person;
  const onward = form.texts('onward');
  await orShowErrors(
    res,
    async () => {
      await people.setActive(here, accountOf(req).email, id, false);
      const done = `The account of ${name} in ${here.rules.inText} is closed.`;
      await goOnward(req, res, {
        done,
        last: `/people/${id}`,
        ...(await nextOf(req, person, onward)),
      });
    },
    (errors) => closingPage(req, res, onward, errors),
  );
}

/**
 * Finds the next environment, among those that the administrator ticked, in which the person’s account is still open.
 * An environment whose accounts cannot be read now is skipped; the person’s page then names it.
 */
async function nextOf({ here, redis }: Request, person: people.Person, onward: string[]) {
  const wanted = inOrder(here, onward);
  const lines = wanted.length > 0 ? await across(here, redis, person) : [];
  for (const [index, next] of wanted.entries()) {
    const { account = null } = lines.find((line) => line.name === next.name) ?? {};
    if (account && account.state !== 'closed') {
      const others = wanted.slice(index + 1).map((one) => one.name);
      return { next, href: `${account.href}/closing?onward=${others.join()}` };
    }
  }
  return { next: null, href: null };
}
