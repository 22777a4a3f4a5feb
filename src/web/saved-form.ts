// Saves forms that could not be sent, because the server was closed or the session had ended or changed, and gives
// them back to their person.
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

/** Saves the form of a request that has been read; returns whether that was possible. */
export async function saveForm(req: Request): Promise<boolean> {
  const holder = isFromHere(req) ? holderOfForm(req) : null;
  return holder !== null && savedForms.save(req, holder, await formIn(req));
}

const tokenOf = ({ form }: Request) => tokenIn(form.raw('csrf'));

/**
 * The person whose page the form was on: named by the form’s token, otherwise the person of the present or former
 * session.
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

/** The values of the posted form, with images stored and secrets encrypted. */
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

/** The typed values of the form with secrets encrypted, and without files. */
const textsOf = ({ here, path, form }: Request) =>
  withSealedSecrets(
    here,
    path,
    form.entries.filter(([name]) => name !== 'csrf'),
  );

/**
 * Stores uploaded images as if the form were saved. Returns their names by field, and the fields of images that were
 * invalid or that the store refused; the rest of the form is saved without these.
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

/** Whether a form may be read without a sign-in: only from a browser in which someone has signed in. */
export const mayRead = (req: Request): boolean =>
  sessionOf(req).personId !== undefined || lastHolder(req) !== null;

/** The session of a request; undefined while Redis does not answer. */
const sessionOf = ({ session }: Partial<Pick<Request, 'session'>>): Partial<Request['session']> =>
  session ?? {};

/**
 * Whether the files of a form are read: only if its token proves that it comes from a page of this session or of an
 * earlier one.
 */
export const mayBring = (req: Request, token: string | undefined): boolean =>
  isOurs(req, token) || (isFromHere(req) && holderIn(req.here, tokenIn(token)) !== null);

/**
 * Returns the middleware that saves a form whose sender may not send it (any more): posted after the session had
 * ended, after another person had signed in, or after a permission was revoked.
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
 * Saves the form of a request whose sender may not send it (any more). The access check refuses the request
 * afterwards.
 */
async function keepOfOthers(req: Request, res: Response, next: NextFunction, body: Body) {
  if (!isForm(body)) return next();
  await readForm(req, body, { mayCome: (token) => mayBring(req, token) });
  if (!isOurs(req)) return refuseForged(req, res, next);
  if (await saveForm(req)) flash(req, 'What you typed is kept for a day.');
  next();
}

/** Refuses posts that do not come from a page of this server. A form on a page of an earlier session is saved. */
export async function refuseForged(req: Request, res: Response, next: NextFunction) {
  if (isOurs(req)) return next();
  const holder = isFromHere(req) ? holderIn(req.here, tokenOf(req)) : null;
  if (isFromHere(req) && req.path === '/sign-in') {
    flash(req, 'This page was open for too long. Try again.');
    return res.redirect(303, '/sign-in');
  }
  if (!holder || !req.account) throw new Forbidden(forged);
  const isOwn = holder.id === req.account.id;
  // Changing the theme does no harm from any person’s page, and signing out does none from an older page of one’s own.
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

/** Hidden fields of forms, such as versions, keys and hashes of plans, which no person typed. */
const carried =
  /^(version|idempotency_key|plan|selection|return|then|seen|payload|query|scope|page|shown|was|turn)$/;

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

/** The values that a person typed, without hidden fields. */
export const shownFields = ({ fields }: Pick<SavedForm, 'fields'>) =>
  fields
    .filter(([name, value]) => !carried.test(name) && value !== '')
    .map(([name, value]) => ({
      label: labelOfInput(name),
      value: sealedParts(value) ? 'Typed, and not shown' : value,
      isImage: image.test(value),
    }));

/** A label for a posted name: `Links 0 name` for `links[0][name]`. */
export const labelOfInput = (name: string) => formatChoice(name.replaceAll(/[[\]]+/g, ' ').trim());

/**
 * Posts a saved form again to its URL: the redirect has status 307, which keeps method and body. The saved form is
 * deleted once it was accepted.
 */
export async function sendOn(req: Request, res: Response) {
  const forms = await savedForms.savedFor(req, personOf(req));
  const id = textIn(req.query, 'form');
  const saved = id === '' ? forms[0] : forms.find((one) => one.id === id);
  if (!saved) throw new NotFound('This form is not kept any more.');
  req.visitor.sentForm = saved.id;
  // The form is posted to the environment or copy in which it was typed.
  if (saved.copy === null) dropCookie(req, res, copyCookie(req));
  else setCookie(req, res, copyCookie(req), saved.copy, 24);
  res.redirect(307, localPath(saved.path, '/'));
}

/** Deletes a saved form when the page it was sent to has accepted it. */
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

/** Whether saved forms are waiting for a person who has just signed in. */
export const isWaiting = async (req: Request, person: Holder): Promise<boolean> =>
  (await savedForms.savedFor(req, person)).length > 0;
