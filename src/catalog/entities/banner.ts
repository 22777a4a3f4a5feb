import { entity } from '../entity.ts';
import { image, instant, link, optionalReference, text } from '../fields.ts';
import { byName, links } from '../links.ts';

export const banner = entity({
  name: 'banner',
  label: { one: 'Banner', many: 'Banners' },
  icon: 'megaphone',
  store: 'mysql',
  table: 'banner',
  title: 'title',
  purpose: 'A banner shows a message above a task.',
  fields: {
    title: text({ max: 100, search: true }),
    image: image(),
    link: link({ max: 300 }),
    business: optionalReference('business', { list: true, under: true }),
    task: optionalReference('task', { list: true }),
    cities: links('city', {
      by: 'name',
      through: 'banner_city',
      with: { partner: byName('partner') },
    }),
    start: instant({ list: true }),
    end: instant({ list: true }),
  },
  rules: ({ start, end }) =>
    start && end && end <= start ? { end: 'End must be later than start' } : {},
});
