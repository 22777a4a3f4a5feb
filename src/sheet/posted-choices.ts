// Parses the choices of a posted sheet.
import { keyText } from '../catalog/entity.ts';
import { Invalid } from '../problems.ts';
import { textIn } from '../web/request.ts';
import type { Choices } from './choices.ts';
import * as selections from './selections.ts';

export function postedChoices(
  body: unknown,
  selection: selections.Selection,
): selections.SavedChoices {
  const fields = (body ?? {}) as Record<string, unknown>;
  const texts = (name: string) => [fields[name] ?? []].flat().map(String);
  const lists = (name: string) => texts(name).flatMap((list) => list.split(' ').filter(Boolean));
  const added = lists('add');
  const removed = new Set(lists('leave'));
  const keys = [...selection.keys, ...(added.length > 0 ? selections.parseKeys(added) : [])].filter(
    (key) => !removed.has(keyText(key)),
  );
  // Choices for rows on other pages of the sheet are kept.
  const shown = new Set(lists('shown'));
  const others = <T>(decisions: Record<string, T>) =>
    Object.fromEntries(Object.entries(decisions).filter(([text]) => !shown.has(text)));
  const { excludedFields, locals } = selection.choices;
  const choices: Choices = {
    include: texts('include'),
    create: texts('create'),
    resend: fields['resend'] === 'yes',
    excludedFields: { ...others(excludedFields), ...excludedFieldsIn(texts('keep')) },
    locals: { ...others(locals), ...localsIn(fields['local']) },
    again: lists('again'),
    overwrite: textIn(fields, 'overwrite'),
    remove: textIn(fields, 'remove'),
    typedFor: textIn(fields, 'plan'),
  };
  if (keys.length === 0) {
    throw new Invalid({ rows: 'The last row of a transfer cannot be left out' });
  }
  return {
    choices,
    keys: [...new Map(keys.map((key) => [keyText(key), key])).values()],
    name: textIn(fields, 'name') || (selection.kind === 'transfer' ? '' : selection.name),
    reason: textIn(fields, 'reason').slice(0, 500) || null,
  };
}

/** `form:12/description` excludes a field of a row. */
function excludedFieldsIn(texts: string[]): Choices['excludedFields'] {
  const excludedFields: Choices['excludedFields'] = {};
  for (const text of texts) {
    const [key = '', field = ''] = text.split('/');
    excludedFields[key] = [...(excludedFields[key] ?? []), field];
  }
  return excludedFields;
}

/** `local[external_tool:5][endpoint]=…` */
function localsIn(posted: unknown): Choices['locals'] {
  const locals: Choices['locals'] = {};
  for (const [key, values] of Object.entries((posted ?? {}) as Record<string, object>)) {
    const texts = Object.entries(values).filter(([, value]) => typeof value === 'string');
    locals[key] = Object.fromEntries(texts);
  }
  return locals;
}
