// Parses the choices of a posted sheet.
import { keyText } from '../catalog/entity.ts';
import { Invalid } from '../problems.ts';
import type { Form } from '../web/form/form.ts';
import type { Choices } from './choices.ts';
import { checkedChoices } from './choices-schema.ts';
import { joinedKeys } from './posted-keys.ts';
import * as selections from './selections.ts';

export function postedChoices(
  form: Form,
  selection: selections.Selection,
): selections.SavedChoices {
  const lists = (name: string) =>
    form.texts(name).flatMap((list) => list.split(' ').filter(Boolean));
  const added = lists('add');
  const removed = new Set(lists('leave'));
  const all = added.length > 0 ? joinedKeys(selection.keys, added) : selection.keys;
  const keys = all.filter((key) => !removed.has(keyText(key)));
  // The form has only the rows of one page of the sheet; rows on other pages keep their choices.
  const shown = new Set(lists('shown'));
  const others = <T>(decisions: Record<string, T>) =>
    Object.fromEntries(Object.entries(decisions).filter(([text]) => !shown.has(text)));
  const { excludedFields, locals } = selection.choices;
  const choices = checkedChoices({
    include: form.texts('include'),
    create: form.texts('create'),
    resend: form.text('resend') === 'yes',
    excludedFields: { ...others(excludedFields), ...excludedFieldsIn(form.texts('keep')) },
    locals: { ...others(locals), ...localsIn(form.under('local')) },
    again: lists('again'),
    overwrite: form.text('overwrite'),
    remove: form.text('remove'),
    typedFor: form.text('plan'),
  });
  if (keys.length === 0 && !selection.kept_at) {
    throw new Invalid({ rows: 'The last row of a transfer cannot be left out' });
  }
  return {
    choices,
    keys,
    name: form.textUpTo(120, 'name', 'Name') || (isDraft(selection) ? '' : selection.name),
    reason: form.textUpTo(500, 'reason', 'Reason') || null,
  };
}

/**
 * Whether the selection may be without a name: it is the draft of a transfer sheet, which nobody has saved under a
 * name.
 */
const isDraft = ({ kind, kept_at: keptAt }: selections.Selection) =>
  kind === 'transfer' && keptAt === null;

/** Parses excluded fields: `form:12/description` excludes the field `description` of form 12. */
function excludedFieldsIn(texts: string[]): Choices['excludedFields'] {
  const fields = new Map<string, string[]>();
  for (const text of texts) {
    const [key = '', field = ''] = text.split('/');
    fields.set(key, [...(fields.get(key) ?? []), field]);
  }
  return Object.fromEntries(fields);
}

/** Parses typed values of environment-specific fields, such as `local[external_tool:5][endpoint]=…`. */
function localsIn(posted: ReturnType<Form['under']>): Choices['locals'] {
  const locals = new Map<string, [string, string][]>();
  for (const { path, text } of posted) {
    const [key = '', field = ''] = path;
    if (path.length === 2) locals.set(key, [...(locals.get(key) ?? []), [field, text]]);
  }
  return Object.fromEntries([...locals].map(([key, texts]) => [key, Object.fromEntries(texts)]));
}
