import { entity } from '../entity.ts';
import { flag, integer, longText, optionalReference, reference, text } from '../fields.ts';
import { byName, links } from '../links.ts';

export const task = entity({
  name: 'task',
  label: { one: 'Task', many: 'Tasks' },
  icon: 'list-checks',
  store: 'mysql',
  table: 'task',
  title: 'title',
  purpose: 'A task is something a business does for a person.',
  fields: {
    title: text({ max: 120, search: true }),
    message: longText({ max: 4000, search: true, hint: 'What the app says when the task opens.' }),
    business: reference('business', { list: true, under: true }),
    form: optionalReference('form', { list: true }),
    cities: links('city', {
      by: 'name',
      through: 'task_city',
      with: { partner: byName('partner') },
    }),
    priority: integer({ min: 0, max: 1000, hint: 'From 0 to 1000; the highest comes first.' }),
    active: flag({ list: true }),
  },
  dependents: ['order_receipt'],
});
