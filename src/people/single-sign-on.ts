// Redirects the browser to the sign-in provider, and signs the person in when the browser comes back.
import type { Request, Response } from 'express';
import { NotFound } from '../problems.ts';
import { page } from '../web/pages.ts';
import { textIn } from '../web/request.ts';
import { admit, type Admission } from './admission.ts';
import { isUnreachable, type Attempt, type Provider } from './provider.ts';
import { letIn, signInPage, type SignIn } from './sign-in.ts';

export const begin = ({ provider }: SignIn) =>
  async function begin(req: Request, res: Response) {
    if (!provider) throw new NotFound('There is no single sign-on here.');
    if (req.account) return res.redirect(303, '/');
    const asksAgain = req.visitor.signsInByHand === true;
    const isSilent = textIn(req.query, 'silent') === '1';
    if (isSilent && asksAgain) return res.redirect(303, '/sign-in');
    if (isSilent) req.visitor.askedAt = Date.now();
    const begun = await provider.begin({ isSilent, asksAgain }).catch((error: unknown) => {
      req.here.log.warn({ err: error }, 'single sign-on cannot be reached');
    });
    return begun ? leave(req, res, begun) : refuse(req, res, 'unreachable');
  };

/**
 * Sends the browser to the sign-in provider. The content security policy forbids a form to lead to
 * another server, even through a redirect, so a form post in Oneway continues through an
 * intermediate page.
 */
function leave(
  req: Request,
  res: Response,
  { attempt, address }: { attempt: Attempt; address: string },
) {
  req.visitor.attempts = [...(req.visitor.attempts ?? []).slice(-4), attempt];
  const isPerhapsForm = attempt.isSilent && req.get('Sec-Fetch-Site') === 'same-origin';
  if (!isPerhapsForm) return res.redirect(303, address);
  res.set('Refresh', `0; url=${address}`);
  return page(req, res, 'people/leaving', { title: 'Signing in', address });
}

export const finish = ({ provider }: SignIn) =>
  async function finish(req: Request, res: Response) {
    if (!provider) throw new NotFound('There is no single sign-on here.');
    if (req.account) return res.redirect(303, '/');
    const attempt = takeAttempt(req);
    if (!attempt) return refuse(req, res, 'unknown');
    const outcome = await outcomeOf(req, provider, attempt);
    if ('person' in outcome) return letIn(req, res, outcome.person);
    if (outcome.refused === 'declined' && attempt.isSilent) return res.redirect(303, '/sign-in');
    return refuse(req, res, outcome.refused);
  };

/**
 * Removes the values of a sign-in attempt (state, nonce and PKCE verifier) from the cookie, so that the provider’s
 * answer can be used only once.
 */
function takeAttempt(req: Request): Attempt | undefined {
  const { attempts = [] } = req.visitor;
  const attempt = attempts.find(({ state }) => state === textIn(req.query, 'state'));
  req.visitor.attempts = attempts.filter((one) => one !== attempt);
  return attempt;
}

type Outcome = Admission | { refused: 'declined' | 'failed' | 'unreachable' };

async function outcomeOf(req: Request, provider: Provider, attempt: Attempt): Promise<Outcome> {
  const { here } = req;
  const search = req.originalUrl.slice(req.originalUrl.indexOf('?'));
  const answer = await provider.finish(attempt, search).catch((error: unknown) => {
    here.log.warn({ err: error }, 'single sign-on failed');
    return { refused: isUnreachable(error) ? ('unreachable' as const) : ('failed' as const) };
  });
  if ('refused' in answer) return answer;
  if ('claims' in answer) return admit(here, answer.claims);
  here.log.info({ error: answer.error }, 'single sign-on declined');
  return { refused: 'declined' };
}

type Refusal = 'unknown' | Extract<Outcome, { refused: string }>['refused'];

const again = 'Try again, or sign in with e-mail and password.';
const words: Record<Refusal, string> = {
  unreachable:
    'The sign-in provider cannot be reached right now. Sign in with e-mail and password.',
  unknown: `This sign-in did not begin in this browser, or it is over. ${again}`,
  failed: `The answer of the sign-in provider could not be accepted. ${again}`,
  declined: `The sign-in provider did not let you in. ${again}`,
  unverified:
    'The sign-in provider does not say that your e-mail address is verified. Have it verified there.',
  closed: 'Your account is closed here. Ask an administrator to open it.',
  'not-admitted':
    'Your account at the sign-in provider may not sign in here. Ask an administrator for access.',
  'other-identity':
    'The account with your e-mail address belongs to another account at the sign-in provider. Ask an administrator to unlink it.',
};

/**
 * Refusals after which this browser gets the sign-in page instead of a redirect to the provider, because the provider
 * would only give the same answer again.
 */
const byHand = new Set<Refusal>(['unverified', 'closed', 'not-admitted', 'other-identity']);

function refuse(req: Request, res: Response, refusal: Refusal) {
  if (byHand.has(refusal)) req.visitor.signsInByHand = true;
  res.status(refusal === 'unreachable' ? 503 : 403);
  return signInPage(req, res, { title: 'Error: Sign in', singleSignOn: words[refusal] });
}
