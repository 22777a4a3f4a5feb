// The CSRF token of a session’s forms. It names the person, so that a form posted after the session has ended, or in
// another person’s session, is saved for the right person.
import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { App } from '../environments/app.ts';
import { isSecret, signatureOf } from './sealed.ts';

export type Holder = { id: number; credential: string };

export const formHolderSchema = z.object({
  id: z.number(),
  /**
   * A text that changes with the person’s password: forms of a session that a new password ended are not saved for
   * the next session.
   */
  mark: z.string(),
});
/** The person to whom a posted form belongs. */
export type FormHolder = z.infer<typeof formHolderSchema>;

export const holderOf = ({ id, credential }: Holder): FormHolder => ({
  id,
  mark: createHash('sha256').update(`form\n${credential}`).digest('base64url').slice(0, 10),
});

const signed = ({ settings }: App, text: string) =>
  signatureOf({ secret: settings.session.secret, purpose: 'form' }, text).slice(0, 27);

export function newFormToken(here: App, person: Holder): string {
  const { id, mark } = holderOf(person);
  const text = [id, mark, randomBytes(12).toString('base64url')].join('.');
  return `${text}.${signed(here, text)}`;
}

/** The person whose page a form was on, read from its token; null if the token is not Oneway’s. */
export function holderIn(here: App, token: unknown): FormHolder | null {
  if (typeof token !== 'string') return null;
  const [id = '', mark = '', random = '', signature = ''] = token.split('.');
  const isRight = isSecret(signature, signed(here, [id, mark, random].join('.')));
  return isRight ? { id: Number(id), mark } : null;
}
