import { entity } from '../entity.ts';
import { longText, text } from '../fields.ts';

export const form = entity({
  name: 'form',
  label: { one: 'Form', many: 'Forms' },
  icon: 'file-text',
  store: 'mongo',
  table: 'form',
  title: 'name',
  purpose: 'A form asks a person for what a task needs.',
  fields: {
    name: text({ max: 80, search: true, unique: true }),
    description: longText({ max: 2000, search: true, list: true }),
  },
  dependents: ['form_field'],
});
