import { entity } from '../entity.ts';
import { flag, link, reference, text } from '../fields.ts';
import { secret } from '../secret.ts';

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
    key: secret({ max: 200, hint: 'Each environment has its own. It is never shown again.' }),
    active: flag({ list: true }),
  },
});
