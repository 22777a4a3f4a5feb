// Creates and reads the CSRF token of forms. The token names the person whose page has the form. So a form that is
// posted after the session has ended, or after another person has signed in, is saved for the right person.
import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { App } from '../environments/app.ts';
import { isSecret, signatureOf } from './sealed.ts';

export type Holder = { id: number; credential: string };

export const formHolderSchema = z.object({
  id: z.number(),
  /**
   * A text that changes when the person’s password changes. Saved forms are stored under this text,
   * so that forms which were saved before a new password cannot be opened after it.
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

/**
 * Reads from the CSRF token of a form the person whose page had the form; null if Oneway did not
 * create the token.
 */
export function holderIn(here: App, token: unknown): FormHolder | null {
  if (typeof token !== 'string') return null;
  const [id = '', mark = '', random = '', signature = ''] = token.split('.');
  const isRight = isSecret(signature, signed(here, [id, mark, random].join('.')));
  return isRight ? { id: Number(id), mark } : null;
}
