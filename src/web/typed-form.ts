// Keeps the values of a form whose request failed because of a server error: the error page shows the typed values, and
// the user can send the form again.
import type { Request } from 'express';
import { any } from './form/body.ts';
import { readForm } from './form/read.ts';
import { holderIn } from './form-token.ts';
import { formIn, labelOfInput, mayRead, saveForm, shownFields } from './saved-form.ts';
import { isWorthSaving, type SavedForm } from './saved-forms.ts';
import { isFromHere, tokenIn } from './security.ts';

export type TypedForm = Pick<SavedForm, 'path' | 'fields' | 'lost' | 'unsealed'> & {
  shown: ReturnType<typeof shownFields>;
  /**
   * Whether the form is saved for a day. If not, only the error page has the values, and posts them
   * to `path` again.
   */
  isSaved: boolean;
  /**
   * The CSRF token that was posted with the form. The session also has the token, but the session
   * store may be unreachable.
   */
  csrf: string;
};

/**
 * Returns the typed form of a failed request; null if the request has no typed values, comes from
 * another site, or comes from a browser in which nobody has signed in.
 */
export async function typedForm(req: Request): Promise<TypedForm | null> {
  if (req.method !== 'POST' || !isFromHere(req) || !mayRead(req)) return null;
  // Reads the form now, because the request may have failed before the form was read. If the form
  // cannot be read, only the browser still has the typed values.
  await readForm(req, any, {
    mayCome: (token) => holderIn(req.here, tokenIn(token)) !== null,
  }).catch(() => {});
  const form = await formIn(req);
  if (!isWorthSaving(form)) return null;
  return {
    ...form,
    shown: shownFields(form),
    lost: form.lost.map(labelOfInput),
    unsealed: form.unsealed.map(labelOfInput),
    isSaved: await saveForm(req).catch(() => false),
    csrf: req.form.raw('csrf') ?? '',
  };
}
