import { entity } from '../entity.ts';
import { choice, flag, image, integer, longText, text } from '../fields.ts';
import { byName, links } from '../links.ts';

const categories = [
  'Travel',
  'Food',
  'Health',
  'Home services',
  'Shopping',
  'Finance',
  'Education',
  'Events',
  'Utilities',
  'Beauty',
] as const;

export const business = entity({
  name: 'business',
  label: { one: 'Business', many: 'Businesses' },
  icon: 'building-2',
  store: 'mysql',
  table: 'business',
  title: 'name',
  purpose: 'A business offers tasks to the people who use the app.',
  fields: {
    name: text({ max: 80, search: true, unique: true }),
    category: choice(categories, { list: true }),
    description: longText({ max: 2000, search: true }),
    icon: image(),
    active: flag({ list: true }),
    priority: integer({ min: 0, max: 1000, hint: 'From 0 to 1000; the highest comes first.' }),
    cities: links('city', {
      by: 'name',
      through: 'business_city',
      with: { partner: byName('partner') },
    }),
  },
  dependents: ['external_tool'],
});
