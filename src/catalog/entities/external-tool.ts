import { entity } from '../entity.ts';
import { flag, link, optionalText, reference, text } from '../fields.ts';

export const externalTool = entity({
  name: 'external_tool',
  label: { one: 'External tool', many: 'External tools' },
  icon: 'plug',
  store: 'mysql',
  table: 'external_tool',
  title: 'name',
  purpose: 'An external tool is a system that a business fulfils its tasks with.',
  owner: 'business',
  fields: {
    business: reference('business', { list: true, under: true }),
    name: text({ max: 80, search: true }),
    endpoint: link({ max: 300, local: true, hint: 'Each environment has its own.' }),
    key: optionalText({ max: 200, local: true, hint: 'Each environment has its own.' }),
    active: flag({ list: true }),
  },
});
