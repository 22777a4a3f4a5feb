// A form as the app would show it: its fields in order, each with its label and the kind of its input.
import type { Row } from '../catalog/entity.ts';
import { textOf } from '../catalog/fields.ts';
import { entityNamed } from '../catalog/index.ts';
import { formatChoice } from '../web/format.ts';
import { shorten, type Shortened } from '../web/shorten.ts';
import type { Side } from './side.ts';

/** How the app asks for an answer: a line, several lines, one of some options, or any of them. */
type Shape = 'line' | 'area' | 'one' | 'several';

type FieldPreview = {
  label: string;
  isRequired: boolean;
  kind: string;
  shape: Shape;
  options: Shortened<string>;
  rule: string;
};
export type FormPreview = {
  kind: 'form';
  title: string;
  text: string;
  fields: Shortened<FieldPreview>;
};

const FIELDS = 40;
const OPTIONS = 12;

export async function formPreview(side: Side, form: Row): Promise<FormPreview> {
  const fields = await side.by(entityNamed('form_field'), 'form', form.id);
  const place = (row: Row) => Number(row['order'] ?? 0);
  const ordered = fields.toSorted((one, other) => place(one) - place(other) || one.id - other.id);
  return {
    kind: 'form',
    title: textOf(form['name']),
    text: textOf(form['description']),
    fields: shorten(ordered.map(fieldPreview), FIELDS),
  };
}

const kinds: Record<string, { kind: string; shape: Shape }> = {
  long_text: { kind: 'Long text', shape: 'area' },
  email: { kind: 'E-mail', shape: 'line' },
  phone: { kind: 'Phone number', shape: 'line' },
  choice: { kind: 'Choose one', shape: 'one' },
  choices: { kind: 'Choose any', shape: 'several' },
  yes_no: { kind: 'Yes or no', shape: 'one' },
};

function fieldPreview(field: Row): FieldPreview {
  const type = textOf(field['type']);
  const options = type === 'yes_no' ? ['Yes', 'No'] : field['options'];
  const known = kinds[type] ?? { kind: formatChoice(type), shape: 'line' };
  const offers = known.shape === 'one' || known.shape === 'several';
  return {
    kind: known.kind,
    shape: known.shape,
    label: textOf(field['label']),
    isRequired: field['required'] === true,
    options: shorten(offers && Array.isArray(options) ? options.map(String) : [], OPTIONS),
    rule: textOf(field['validation']),
  };
}
