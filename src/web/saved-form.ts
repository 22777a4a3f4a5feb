// Saves posted forms that could not be processed, because the server was closed or the session had ended or changed.
// Each form is later given back to the person who typed it.
import type { NextFunction, Request, Response } from 'express';
import { isAdmitted, type Allow } from '../access/guard.ts';
import type { Throttle } from '../access/throttle.ts';
import { sealedParts } from '../catalog/secret.ts';
import { Conflict, Forbidden, Invalid, NotFound } from '../problems.ts';
import { IMAGE_NAME, keepImage } from '../storage/images.ts';
import { copyCookie, dropCookie, setCookie } from './cookies.ts';
import { lastHolder } from './device.ts';
import { isForm, type Body } from './form/body.ts';
import { readForm } from './form/read.ts';
import { holderIn, holderOf, type FormHolder, type Holder } from './form-token.ts';
import { formatChoice } from './format.ts';
import { flash, page } from './pages.ts';
import { accountOf, localPath, textIn } from './request.ts';
import { withSealedSecrets } from './saved-secrets.ts';
import * as savedForms from './saved-forms.ts';
import type { SavedForm } from './saved-forms.ts';
import { copyIn, isFromHere, isOurs, tokenIn } from './security.ts';

/**
 * Saves the posted form of a request, which must have been read. Returns whether the form was
 * saved.
 */
export async function saveForm(req: Request): Promise<boolean> {
  const holder = isFromHere(req) ? holderOfForm(req) : null;
  return holder !== null && savedForms.save(req, holder, await formIn(req));
}

const tokenOf = ({ form }: Request) => tokenIn(form.raw('csrf'));

/**
 * Returns the person to whom the posted form belongs: the person whom the form’s CSRF token names,
 * or else the signed-in person, or else the person who last signed in with this browser.
 */
function holderOfForm(req: Request): FormHolder | null {
  const { personId: id, credential } = sessionOf(req);
  const signedIn = id === undefined || credential === undefined ? null : { id, credential };
  const named = holderIn(req.here, tokenOf(req));
  if (named === null && req.get('Sec-Fetch-Site') !== 'same-origin') return null;
  // The signed-in person gets the form even if their password has changed since the page was shown.
  if (signedIn && (named === null || named.id === signedIn.id)) return holderOf(signedIn);
  return named ?? lastHolder(req);
}

/**
 * Returns the values of the posted form for saving. Uploaded images are stored, and secrets are
 * encrypted.
 */
export async function formIn(req: Request): Promise<SavedForm> {
  const { kept, lost } = await keptImages(req);
  const { saved, unsealed } = await textsOf(req);
  return {
    path: req.originalUrl,
    copy: copyIn(req),
    at: new Date().toISOString(),
    fields: [...saved.filter(([name]) => !kept.has(name)), ...kept],
    lost,
    unsealed,
  };
}

/** Returns what a person entered in the posted form, without files. Secrets are encrypted. */
const textsOf = ({ here, path, form }: Request) =>
  withSealedSecrets(
    here,
    path,
    form.entries.filter(([name]) => name !== 'csrf'),
  );

/**
 * Stores the uploaded images of a form. `kept` contains the names of stored images by field. `lost`
 * lists the fields whose image was invalid or could not be stored; the rest of the form is saved
 * without these images.
 */
async function keptImages({ here, form, log }: Request) {
  const kept = new Map<string, string>();
  const lost: string[] = [];
  for (const { field, content } of form.files) {
    try {
      kept.set(field, await keepImage(here.storage, field, content));
    } catch (error) {
      if (!(error instanceof Invalid)) log.warn({ err: error, field }, 'an image was not kept');
      lost.push(field);
    }
  }
  return { kept, lost };
}

/**
 * Whether the form of a request without a session may be read: only if someone has signed in with
 * this browser before.
 */
export const mayRead = (req: Request): boolean =>
  sessionOf(req).personId !== undefined || lastHolder(req) !== null;

/**
 * Returns the session of a request. While Redis does not respond there is no session, so the result
 * is empty.
 */
const sessionOf = ({ session }: Partial<Pick<Request, 'session'>>): Partial<Request['session']> =>
  session ?? {};

/**
 * Whether the files of a posted form are read: only if the CSRF token proves that the form comes
 * from a page of this session or of an earlier one.
 */
export const mayBring = (req: Request, token: string | undefined): boolean =>
  isOurs(req, token) || (isFromHere(req) && holderIn(req.here, tokenIn(token)) !== null);

/**
 * Returns the middleware that saves a posted form if its sender may not send it any more: because
 * the session has ended, another person has signed in, or a permission was revoked.
 */
export const saveFormOfRefused = (limit: Throttle, body: Body, allow: Allow) =>
  async function keepOfRefused(req: Request, res: Response, next: NextFunction) {
    if (isAdmitted(req, allow) || !isFromHere(req)) return next();
    if (req.account) return keepOfOthers(req, res, next, body);
    const isRefused = await limit.consume(req.ip ?? '').then(
      () => false,
      () => true,
    );
    if (!isRefused && mayRead(req) && isForm(body)) {
      await readForm(req, body, { mayCome: (token) => mayBring(req, token) });
      req.visitor.hasSavedForm = await saveForm(req);
    }
    res.redirect(303, '/sign-in');
  };

/**
 * Saves the posted form of a signed-in person who lacks the permission to send it. The access check
 * then refuses the request.
 */
async function keepOfOthers(req: Request, res: Response, next: NextFunction, body: Body) {
  if (!isForm(body)) return next();
  await readForm(req, body, { mayCome: (token) => mayBring(req, token) });
  if (!isOurs(req)) return refuseForged(req, res, next);
  if (await saveForm(req)) flash(req, 'What you typed is kept for a day.');
  next();
}

/**
 * Refuses posts that do not come from a page of the current session. A form on a page of an earlier
 * session is saved.
 */
export async function refuseForged(req: Request, res: Response, next: NextFunction) {
  if (isOurs(req)) return next();
  const holder = isFromHere(req) ? holderIn(req.here, tokenOf(req)) : null;
  if (isFromHere(req) && req.path === '/sign-in') {
    flash(req, 'This page was open for too long. Try again.');
    return res.redirect(303, '/sign-in');
  }
  if (!holder || !req.account) throw new Forbidden(forged);
  const isOwn = holder.id === req.account.id;
  // Changing the theme is harmless, whoever opened the page. Signing out is harmless from an older
  // page of the same person.
  if (req.path === '/theme' || (isOwn && req.path === '/sign-out')) return next();
  const isSaved = await saveForm(req);
  if (!isOwn) throw new Conflict(`${ofAnotherPerson} ${isSaved ? keptForIt : notKept}`);
  if (!isSaved) throw new Forbidden(ofEarlierSession);
  flash(req, 'You signed in again after you opened that page, so nothing was sent yet. Check it.');
  res.redirect(303, '/saved-form');
}

const forged =
  'This page was open for too long or does not come from here. Go back, reload it and try again.';
const ofEarlierSession =
  'You signed in again after you opened that page, so nothing was saved. Open it again and repeat it.';
const ofAnotherPerson = 'Another person opened that page in this browser, so nothing was sent.';
const keptForIt =
  'What was typed is kept for that person until tomorrow, and shown after that person signs in.';
const notKept = 'What was typed on it is still there: go back to copy it, or open the page again.';

const image = new RegExp(`^${IMAGE_NAME}$`);

/**
 * Matches the names of hidden fields, such as versions and idempotency keys, whose values no person
 * typed.
 */
const carried =
  /^(version|idempotency_key|plan|selection|return|then|seen|payload|query|scope|page|shown|was|turn|.*\._(version|new|gone)|.+_(zone|which))$/;

const personOf = (req: Request) => ({
  id: accountOf(req).id,
  credential: req.session.credential ?? '',
});

export async function show(req: Request, res: Response) {
  const forms = await savedForms.savedFor(req, personOf(req));
  if (forms.length === 0) return res.redirect(303, '/');
  await page(req, res, 'web/saved-form', {
    title: 'Your unsaved form',
    crumbs: [{ text: 'Your unsaved form' }],
    forms: forms.map((form) => ({
      ...form,
      shown: shownFields(form),
      lost: form.lost.map(labelOfInput),
      unsealed: form.unsealed.map(labelOfInput),
    })),
  });
}

/** Returns the values that a person typed into a form, without hidden fields. */
export const shownFields = ({ fields }: Pick<SavedForm, 'fields'>) => {
  const zones = new Map(fields.filter(([name]) => name.endsWith('_zone')));
  const withZone = (name: string, value: string) =>
    [value, zones.get(`${name}_zone`) ?? ''].join(' ').trim();
  return fields
    .filter(([name, value]) => !carried.test(name) && value !== '')
    .map(([name, value]) => ({
      label: labelOfInput(name),
      value: sealedParts(value) ? 'Typed, and not shown' : withZone(name, value),
      isImage: image.test(value),
    }));
};

/** Turns the posted name of a field into a label: `links[0][name]` becomes `Links 0 name`. */
export const labelOfInput = (name: string) => formatChoice(name.replaceAll(/[[\].]+/g, ' ').trim());

/**
 * Posts a saved form again to its original URL by a redirect with status 307, with which the
 * browser repeats the method and the body. The saved form is deleted once the page has accepted it.
 */
export async function sendOn(req: Request, res: Response) {
  const forms = await savedForms.savedFor(req, personOf(req));
  const id = textIn(req.query, 'form');
  const saved = id === '' ? forms[0] : forms.find((one) => one.id === id);
  if (!saved) throw new NotFound('This form is not kept any more.');
  req.visitor.sentForm = saved.id;
  // Opens the copy (staging database) in which the form was typed, or this server’s own environment, so that the form
  // is posted to the database for which it was typed.
  if (saved.copy === null) dropCookie(req, res, copyCookie(req));
  else setCookie(req, res, copyCookie(req), saved.copy, 24);
  res.redirect(307, localPath(saved.path, '/'));
}

/**
 * Middleware that deletes a saved form once the page to which the form was sent has accepted it.
 */
export function forgetSent(req: Request, res: Response, next: NextFunction) {
  const { sentForm: id } = req.visitor;
  delete req.visitor.sentForm;
  if (id !== undefined && req.account) {
    const person = personOf(req);
    res.once('finish', () => {
      if (res.statusCode >= 400) return;
      savedForms.forget(req, person, id).catch((error: unknown) => {
        req.log.warn({ err: error }, 'a saved form was sent and not forgotten');
      });
    });
  }
  next();
}

export async function discard(req: Request, res: Response) {
  await savedForms.forget(req, personOf(req), textIn(req.query, 'form'));
  const left = await savedForms.savedFor(req, personOf(req));
  res.redirect(303, left.length > 0 ? '/saved-form' : '/');
}

/** Whether a person who has just signed in has saved forms. */
export const isWaiting = async (req: Request, person: Holder): Promise<boolean> =>
  (await savedForms.savedFor(req, person)).length > 0;
