// A form that could not be sent, because the server was closed, the session had ended or another one had begun: it is
// saved, and given back to its person.
import type { NextFunction, Request, Response } from 'express';
import { isAdmitted, type Allow } from '../access/guard.ts';
import type { Throttle } from '../access/throttle.ts';
import { sealedParts } from '../catalog/secret.ts';
import { Conflict, Forbidden, Invalid, NotFound } from '../problems.ts';
import { IMAGE_NAME, keepImage } from '../storage/images.ts';
import { lastHolder } from './device.ts';
import type { Body } from './form/body.ts';
import { readForm } from './form/read.ts';
import { holderIn, holderOf, type FormHolder, type Holder } from './form-token.ts';
import { formatChoice } from './format.ts';
import { flash, page } from './pages.ts';
import { accountOf, localPath, textIn } from './request.ts';
import { withSealedSecrets } from './saved-secrets.ts';
import * as savedForms from './saved-forms.ts';
import type { SavedForm } from './saved-forms.ts';
import { isFromHere, isOurs } from './security.ts';

/** Saves the form of a request that has been read; answers whether it could. */
export async function saveForm(req: Request): Promise<boolean> {
  const holder = isFromHere(req) ? holderOfForm(req) : null;
  return holder !== null && savedForms.save(req, holder, await formIn(req));
}

const tokenOf = ({ form }: Request) => form.raw('csrf');

/** Whose page the form stood on: its token says so, otherwise whose session it is or was. */
function holderOfForm(req: Request): FormHolder | null {
  const { personId: id, credential } = sessionOf(req);
  const signedIn = id === undefined || credential === undefined ? null : { id, credential };
  const named = holderIn(req.here, tokenOf(req));
  if (named === null && req.get('Sec-Fetch-Site') !== 'same-origin') return null;
  // A new password does not take away what the same person typed before.
  if (signedIn && (named === null || named.id === signedIn.id)) return holderOf(signedIn);
  return named ?? lastHolder(req);
}

/** What was posted, with its images kept and its secrets sealed. */
export async function formIn(req: Request): Promise<SavedForm> {
  const { kept, lost } = await keptImages(req);
  return {
    path: req.originalUrl,
    at: new Date().toISOString(),
    fields: [...(await textsOf(req)).filter(([name]) => !kept.has(name)), ...kept],
    lost,
  };
}

/** What was typed, with sealed secrets and without files. */
const textsOf = ({ here, path, form }: Request) =>
  withSealedSecrets(
    here,
    path,
    form.entries.filter(([name]) => name !== 'csrf'),
  );

/**
 * Chosen images by field, which are stored as if the form were saved, and the fields of those that do not fit or that the
 * storage does not take: what was typed is kept without them.
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

/** Whether a form may be read although nobody is signed in: only from a browser that somebody signed in with. */
export const mayRead = (req: Request): boolean =>
  sessionOf(req).personId !== undefined || lastHolder(req) !== null;

/** There is none while its server does not answer. */
const sessionOf = ({ session }: Partial<Pick<Request, 'session'>>): Partial<Request['session']> =>
  session ?? {};

/** Whether files of a form may come, by its token: from pages of this session, and of those before it. */
export const mayBring = (req: Request, token: string | undefined): boolean =>
  isOurs(req, token) || (isFromHere(req) && holderIn(req.here, token) !== null);

/**
 * Saves a form whose sender may not, or no longer: it was posted after its session had ended, after another person had
 * signed in, or after a permission was revoked.
 */
export const saveFormOfRefused = (limit: Throttle, body: Body, allow: Allow) =>
  async function keepOfRefused(req: Request, res: Response, next: NextFunction) {
    if (isAdmitted(req, allow) || !isFromHere(req)) return next();
    if (req.account) return keepOfOthers(req, res, next, body);
    const isRefused = await limit.consume(req.ip ?? '').then(
      () => false,
      () => true,
    );
    if (!isRefused && mayRead(req) && body.kind !== 'none') {
      await readForm(req, body, { mayCome: (token) => mayBring(req, token) });
      req.visitor.hasSavedForm = await saveForm(req);
    }
    res.redirect(303, '/sign-in');
  };

/** The access check refuses it afterwards. */
async function keepOfOthers(req: Request, res: Response, next: NextFunction, body: Body) {
  if (body.kind === 'none') return next();
  await readForm(req, body, { mayCome: (token) => mayBring(req, token) });
  if (!isOurs(req)) return refuseForged(req, res, next);
  if (await saveForm(req)) flash(req, 'What you typed is kept for a day.');
  next();
}

/** Rejects posts that do not come from our own pages; what came from a page of an earlier session is saved. */
export async function refuseForged(req: Request, res: Response, next: NextFunction) {
  if (isOurs(req)) return next();
  const holder = isFromHere(req) ? holderIn(req.here, tokenOf(req)) : null;
  if (isFromHere(req) && req.path === '/sign-in') {
    flash(req, 'This page was open for too long. Try again.');
    return res.redirect(303, '/sign-in');
  }
  if (!holder || !req.account) throw new Forbidden(forged);
  const isOwn = holder.id === req.account.id;
  // These take nothing away from anybody.
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

/** Hidden fields: versions, keys and plans. */
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
    })),
  });
}

/** What a person typed, without what the form carried. */
export const shownFields = ({ fields }: Pick<SavedForm, 'fields'>) =>
  fields
    .filter(([name, value]) => !carried.test(name) && value !== '')
    .map(([name, value]) => ({
      label: labelOfInput(name),
      value: sealedParts(value) ? 'Typed, and not shown' : value,
      isImage: image.test(value),
    }));

/** `Links 0 name` for `links[0][name]`. */
export const labelOfInput = (name: string) => formatChoice(name.replaceAll(/[[\]]+/g, ' ').trim());

/** Posts the form again to its address: 307 keeps method and body. It is forgotten when it has been accepted. */
export async function sendOn(req: Request, res: Response) {
  const forms = await savedForms.savedFor(req, personOf(req));
  const id = textIn(req.query, 'form');
  const saved = id === '' ? forms[0] : forms.find((one) => one.id === id);
  if (!saved) throw new NotFound('This form is not kept any more.');
  req.visitor.sentForm = saved.id;
  res.redirect(307, localPath(saved.path, '/'));
}

/** Forgets a saved form when the page that it was sent to has taken it. */
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

/** Whether forms wait for a person who has just signed in. */
export const isWaiting = async (req: Request, person: Holder): Promise<boolean> =>
  (await savedForms.savedFor(req, person)).length > 0;
