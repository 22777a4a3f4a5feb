// The page on which a user chooses the field that many rows shall have the same value in, and types that value.
import type { Request, Response } from 'express';
import { labelOf, type Content, type Entity } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { pickerText } from '../catalog/shown-text.ts';
import { textOf } from '../catalog/fields.ts';
import type { FieldErrors } from '../problems.ts';
import { titlesOf } from '../state/untouched.ts';
import { formatChoice, lowerFirst, plural } from '../web/format.ts';
import { page } from '../web/pages.ts';
import { zoneOfForm } from '../web/posted-instant.ts';
import { referencedTitles } from '../web/referenced-titles.ts';
import { zoneOf } from '../web/viewer.ts';
import { whichName, zoneName } from '../web/zoned-input.ts';
import type { BulkAction } from './bulk-actions.ts';
import { chosenAgain, chosenKeys, listWith, type Sent } from './bulk-chosen.ts';
import { settable, type FieldValue } from './bulk-values.ts';
import { inputsOf, type Input } from './inputs.ts';
import { referredBy } from './titles.ts';
import { asTyped, readTyped } from './typed-row.ts';

export async function valuePage(
  req: Request,
  res: Response,
  { name, label, explanation }: BulkAction,
  errors: FieldErrors,
) {
  const entity = entityNamed(String(req.params['entity']));
  const keys = await chosenKeys(req, entity);
  const action = label.replace('…', '');
  const title = `${action}: ${plural(keys.length, entity.label)}`;
  await page(req, res, 'catalog-pages/bulk-value', {
    title: Object.keys(errors).length > 0 ? `Error: ${title}` : title,
    crumbs: [{ text: entity.label.many, href: `/catalog/${entity.name}` }, { text: action }],
    heading: title,
    explanation,
    postTo: `/bulk/${entity.name}/${name}`,
    sent: chosenAgain(req, keys),
    listHref: listWith(req, entity, keys),
    errors,
    fields: await inputsFor(req, settable(entity), errors),
  });
}

async function inputsFor(req: Request, entity: Entity, errors: FieldErrors): Promise<Input[]> {
  const { here, form } = req;
  const typed = await asTyped(here, entity, await readTyped(here, entity, form, null));
  // A field that is still empty is shown empty, not with the value that it has in a new row.
  const content: Content = Object.fromEntries(
    Object.entries(typed).map(([name, value]) => [name, form.text(name) === '' ? null : value]),
  );
  const titles = await titlesOf(here, referredBy(entity, content));
  const zone = zoneOfForm(form, zoneOf(req));
  return inputsOf(entity, { content, errors, titles, zone, opened: null, stored: null }).map(
    (input) => (input.kind === 'flag' ? asChoice(input, form.text(input.name)) : input),
  );
}

/** A tick box has no third state for a value that is not to be set, so Yes and No are chosen from a list. */
const asChoice = (input: Input, typed: string): Input => ({
  ...input,
  kind: 'choice',
  width: 'medium',
  choices: ['yes', 'no'].map((value) => ({
    value,
    text: formatChoice(value),
    isChosen: value === typed,
  })),
});

/** Returns how a confirmation page shows the value that the rows get, and the hidden inputs that post it again. */
export async function confirmedValue(
  { here, form }: Request,
  entity: Entity,
  { field: name, value }: FieldValue,
) {
  const definition = entity.fields[name];
  if (!definition) throw new Error(`${entity.name} has no field ${name}.`);
  const label = labelOf(entity, name);
  const titles = await referencedTitles(here, [{ definition, values: { [name]: value } }]);
  const title = definition.to ? titles.get(`${definition.to}:${textOf(value)}`) : undefined;
  const typed: Sent =
    title === undefined
      ? [name, zoneName(name), whichName(name)].flatMap((one) =>
          form.texts(one).map((text) => ({ name: one, value: text })),
        )
      : [{ name, value: pickerText(title, textOf(value)) }];
  return {
    verb: value === null ? `Empty ${lowerFirst(label)}` : `Set ${lowerFirst(label)}`,
    shown: { fields: [{ label, definition, value }], titles },
    sent: [{ name: 'field', value: name }, ...typed],
  };
}
