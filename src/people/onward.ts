// Leads the browser from the server of one environment to the server of the next, where an administrator confirms the
// same action for that environment.
import type { Request, Response } from 'express';
import type { App } from '../environments/app.ts';
import { flash, page } from '../web/pages.ts';
import { neighboursOf, type Neighbour } from '../environments/neighbours.ts';

/** Splits the names of environments in the URL of a page, such as `preprod,production`. */
export const namesIn = (text: string): string[] => text.split(',').filter(Boolean);

/**
 * Returns the neighbouring environments with these names, in the order in which rows pass through them; ignores other
 * names.
 */
export const inOrder = (here: App, names: readonly string[]): Neighbour[] =>
  neighboursOf(here).filter(({ name }) => names.includes(name));

type Way = {
  /** The message about what was done in this environment. */
  done: string;
  next: Neighbour | null;
  href: string | null;
  /** The page to show when no environment follows. */
  last: string;
};

/**
 * Leads the browser to the server of the next environment, or to the page `last` if no environment follows. The content
 * security policy forbids a form to lead to another server, even through a redirect, so an intermediate page opens the
 * next one by itself.
 */
export async function goOnward(req: Request, res: Response, { done, next, href, last }: Way) {
  if (!next || href === null) {
    flash(req, done);
    return res.redirect(303, last);
  }
  res.set('Refresh', `0; url=${href}`);
  await page(req, res, 'people/onward', { title: `On to ${next.inText}`, done, next, href });
}
