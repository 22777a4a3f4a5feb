import { entity } from '../entity.ts';
import { choice, flag, integer, list, optionalText, reference, text, textOf } from '../fields.ts';

const types = [
  'text',
  'long_text',
  'number',
  'email',
  'phone',
  'date',
  'choice',
  'choices',
  'yes_no',
] as const;

const withOptions = ['choice', 'choices'];
const withRule = types.filter((type) => ![...withOptions, 'yes_no'].includes(type));

export const formField = entity({
  name: 'form_field',
  label: { one: 'Form field', many: 'Form fields' },
  icon: 'text-cursor-input',
  store: 'mongo',
  table: 'form_field',
  title: 'label',
  purpose: 'A form field is one question of a form.',
  owner: 'form',
  order: 'order',
  fields: {
    form: reference('form', { list: true, under: true }),
    label: text({ max: 80, search: true }),
    type: choice(types, { list: true }),
    required: flag({ list: true }),
    order: integer({ min: 1, max: 1000, list: true }),
    options: list({
      max: 120,
      hint: 'For a choice: the options that it offers.',
      usedWith: { field: 'type', values: withOptions },
    }),
    validation: optionalText({
      max: 200,
      hint: 'A rule in words or a regular expression.',
      usedWith: { field: 'type', values: withRule },
    }),
  },
  rules: ({ type, options }) =>
    withOptions.includes(textOf(type)) && Array.isArray(options) && options.length === 0
      ? { options: 'Enter at least one option, one a line' }
      : {},
});
