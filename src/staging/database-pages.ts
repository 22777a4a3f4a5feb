// The page *Databases* of a staging server: lists the server’s own database and the copies (staging databases) that
// people ordered. A person opens a copy here and then works in it.
import type { Request, Response } from 'express';
import { labelsOf } from '../access/permission-words.ts';
import { isStaging } from '../access/permissions.ts';
import { Conflict, Forbidden, NotFound } from '../problems.ts';
import { copyCookie, dropCookie, readCookie, setCookie } from '../web/cookies.ts';
import { flash, page } from '../web/pages.ts';
import { accountOf, can, localPath, numberOrNull, textIn } from '../web/request.ts';
import { copyView } from './copy-view.ts';
import * as copies from './copies.ts';
import type { Copy } from './copies.ts';
import { settingsOfCopies } from './databases.ts';
import { drop } from './drop.ts';
import { endProtection, keepLonger, MOST_PROTECTED_DAYS, protect as protectCopy } from './keep.ts';
import { requestUpdate } from './update.ts';

export async function index(req: Request, res: Response) {
  const { here } = req;
  const isOn = here.settings.copies !== null;
  const [live, ended] = isOn
    ? await Promise.all([copies.live(here.sql), copies.ended(here.sql)])
    : [[], []];
  const places = await copies.countSlots(here.sql);
  await page(req, res, 'staging/databases', {
    title: 'Databases',
    crumbs: [{ text: 'Databases' }],
    isOn,
    isEdited: isStaging(here.setup),
    opened: readCookie(req, copyCookie(req)),
    copies: live.map((copy) => ({ ...copyView(here, copy), mayManage: mayManage(req, copy) })),
    ended: ended.map((copy) => copyView(here, copy)),
    places: isOn ? `${places} of ${settingsOfCopies(here).limit}` : '',
    days: here.settings.copies?.days ?? 0,
    mostDays: MOST_PROTECTED_DAYS,
  });
}

/**
 * Whether the signed-in person may keep a copy (staging database) longer, protect, upgrade and drop it: the person who
 * ordered the copy, and everyone with the permission run_staging or administrator.
 */
const mayManage = (req: Request, copy: Copy) =>
  can(req, 'run-staging') || can(req, 'administer') || copy.person === accountOf(req).email;

const nameOf = (req: Request) => String(req.params['name']);

async function knownCopy(req: Request): Promise<Copy> {
  settingsOfCopies(req.here);
  const copy = await copies.newestNamed(req.here.sql, nameOf(req));
  if (!copy || copy.is_spare === 1) throw new NotFound(`There is no database ${nameOf(req)}.`);
  return copy;
}

async function managedCopy(req: Request): Promise<Copy> {
  const copy = await knownCopy(req);
  if (mayManage(req, copy)) return copy;
  throw new Forbidden(
    `Only whoever ordered this database, and people with the permission ${labelsOf(['run_staging', 'administrator'], ' or ')}, may do this.`,
  );
}

/**
 * Shows the page to which the e-mail about a ready copy (staging database) links. The page asks for a click, which
 * opens the copy and leads to the path `to`.
 */
export async function show(req: Request, res: Response) {
  const copy = await knownCopy(req);
  await page(req, res, 'staging/database', {
    title: copy.name,
    crumbs: [{ text: 'Databases', href: '/databases' }, { text: copy.name }],
    copy: copyView(req.here, copy),
    to: localPath(textIn(req.query, 'to'), '/'),
  });
}

export async function open(req: Request, res: Response) {
  const copy = await knownCopy(req);
  if (copy.state !== 'ready') {
    throw new Conflict(
      `${copy.name} cannot be opened: it is ${copyView(req.here, copy).look.text}.`,
    );
  }
  setCookie(req, res, copyCookie(req), copy.name, settingsOfCopies(req.here).days * 24);
  res.redirect(303, localPath(req.form.text('to'), '/'));
}

export async function leave(req: Request, res: Response) {
  dropCookie(req, res, copyCookie(req));
  flash(req, `You are in ${req.here.rules.inText} again.`);
  res.redirect(303, localPath(req.form.text('to'), '/'));
}

export async function keep(req: Request, res: Response) {
  const copy = await managedCopy(req);
  const until = await keepLonger(req.here, copy, accountOf(req).email);
  flash(req, `${copy.name} is kept until ${until}.`);
  res.redirect(303, '/databases');
}

export async function protect(req: Request, res: Response) {
  const copy = await managedCopy(req);
  const days = numberOrNull(req.form.text('days'));
  const by = accountOf(req).email;
  if (req.form.text('end') === 'yes') {
    await endProtection(req.here, copy, by);
    flash(req, `${copy.name} is not protected any more.`);
  } else {
    const until = await protectCopy(req.here, copy, by, days ?? 0);
    flash(req, `${copy.name} is protected until ${until}.`);
  }
  res.redirect(303, '/databases');
}

export async function update(req: Request, res: Response) {
  const copy = await managedCopy(req);
  const job = await requestUpdate(req.here, copy, accountOf(req).email);
  await req.line.push(job);
  res.redirect(303, `/jobs/${job.number}`);
}

export async function remove(req: Request, res: Response) {
  const copy = await managedCopy(req);
  await drop(req.here, copy, accountOf(req).email);
  if (readCookie(req, copyCookie(req)) === copy.name) dropCookie(req, res, copyCookie(req));
  flash(req, `${copy.name} is dropped.`);
  res.redirect(303, '/databases');
}
