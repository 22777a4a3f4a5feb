// A form that failed because of a server: its typed values are shown again, and can be sent again.
import type { Request } from 'express';
import { any } from './form/body.ts';
import { readForm } from './form/read.ts';
import { holderIn } from './form-token.ts';
import { formIn, labelOfInput, mayRead, saveForm, shownFields } from './saved-form.ts';
import { isWorthSaving, type SavedForm } from './saved-forms.ts';
import { isFromHere, tokenIn } from './security.ts';

export type TypedForm = Pick<SavedForm, 'path' | 'fields' | 'lost' | 'unsealed'> & {
  shown: ReturnType<typeof shownFields>;
  /** Whether the form is saved for a day. Otherwise only the page has it, and posts it to `path` again. */
  isSaved: boolean;
  /** The CSRF token that the form was posted with. The session has it, too, but may be unreachable. */
  csrf: string;
};

/** The typed form of a failed request; null when it has no typed values, or comes from a visitor or another site. */
export async function typedForm(req: Request): Promise<TypedForm | null> {
  if (req.method !== 'POST' || !isFromHere(req) || !mayRead(req)) return null;
  // The request may have failed before the form was read. A form that cannot be read remains only in the browser.
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
