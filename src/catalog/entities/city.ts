import { entity } from '../entity.ts';
import { optionalText, text } from '../fields.ts';

export const city = entity({
  name: 'city',
  label: { one: 'City', many: 'Cities' },
  icon: 'map-pin',
  store: 'mysql',
  table: 'city',
  title: 'name',
  purpose: 'A city is where a business, a task or a banner is offered.',
  isMatchedByName: true,
  fields: {
    name: text({ max: 100, search: true, unique: true }),
    country: optionalText({ max: 2, list: true, hint: 'Two letters, as IN.' }),
  },
});
