import { entity } from '../entity.ts';
import { text } from '../fields.ts';

export const partner = entity({
  name: 'partner',
  label: { one: 'Partner', many: 'Partners' },
  icon: 'handshake',
  store: 'mysql',
  table: 'partner',
  title: 'name',
  purpose: 'A partner fulfils orders in a city.',
  isMatchedByName: true,
  fields: {
    name: text({ max: 100, search: true, unique: true }),
  },
});
