import { entity } from '../entity.ts';
import { flag, optionalReference, reference, text } from '../fields.ts';

export const sts = entity({
  name: 'sts',
  label: { one: 'STS', many: 'STS' },
  icon: 'layers',
  store: 'mysql',
  table: 'sts',
  title: 'text',
  purpose: 'An STS is a short text that leads to a task of a business.',
  fields: {
    text: text({ max: 200, search: true }),
    business: reference('business', { list: true, under: true }),
    task: optionalReference('task', { list: true }),
    active: flag({ list: true }),
  },
});
