import type { Request, Response } from 'express';
import type { App } from '../environments/app.ts';
import { neighboursOf } from '../environments/neighbours.ts';
import { flash, page } from '../web/pages.ts';
import { accountOf, numberOrNull } from '../web/request.ts';
import * as inApp from './channels/in-app.ts';
import { markReadElsewhere } from './elsewhere.ts';
import { inboxOf } from './inbox.ts';

export async function index(req: Request, res: Response) {
  await page(req, res, 'messages/list', {
    title: 'Messages',
    crumbs: [{ text: 'Messages' }],
    ...(await inboxOf(req.house, accountOf(req).email)),
  });
}

/** Marks the messages as read that there were when the page was made, in each environment up to the newest one. */
export async function markRead(req: Request, res: Response) {
  const { house, form } = req;
  const { email } = accountOf(req);
  const upTo = (name: string) => numberOrNull(form.text(`up_to_${name}`)) ?? 0;
  await inApp.markRead(house.sql, email, upTo(house.name));
  const failures = await markedElsewhere(house, email, upTo);
  if (failures.length > 0) flash(req, `Still marked as new: ${failures.join('; ')}.`);
  res.redirect(303, '/messages');
}

/**
 * Marks messages as read in the other environments; returns a text with the reason for each environment in which that
 * failed.
 */
async function markedElsewhere(house: App, email: string, upTo: (name: string) => number) {
  const failures = await Promise.all(
    neighboursOf(house)
      .filter(({ name }) => upTo(name) > 0)
      .map(async (of) => {
        const failure = await markReadElsewhere(house, of, { email, upTo: upTo(of.name) });
        return failure === null ? [] : [`messages of ${of.inText} (${failure})`];
      }),
  );
  return failures.flat();
}
