// The rows of production when the demo begins. They come from the files in demo/data and have fixed ids.
import { readFileSync } from 'node:fs';
import { entityNamed } from '../src/catalog/index.ts';
import { initialContent, linksIn, linksOf, type Content } from '../src/catalog/entity.ts';
import type { Link } from '../src/catalog/fields.ts';
import { sortLinks } from '../src/catalog/links.ts';
import { keepImage } from '../src/storage/images.ts';
import type { Objects } from '../src/storage/objects.ts';
import { png } from './picture.ts';
import type { Change } from '../src/writing/changes.ts';

const load = <T>(file: string) =>
  JSON.parse(readFileSync(new URL(`data/${file}.json`, import.meta.url), 'utf8')) as T;

type Task = {
  title: string;
  message: string;
  form: string | null;
  cities: Link[];
  order_receipts: { template: string; text: string }[];
  priority: number;
  active: boolean;
};
type Business = {
  name: string;
  category: string;
  description: string;
  priority: number;
  active: boolean;
  cities: Link[];
  external_tools: { name: string; endpoint: string; key: string; active: boolean }[];
  tasks: Task[];
  sts: { text: string; task: string | null; active: boolean }[];
};
type Form = { name: string; description: string; fields: Content[] };
type Banner = {
  title: string;
  link: string;
  business: string | null;
  task: string | null;
  cities: Link[];
  start_in_days: number;
  days: number;
};

const firstIds: Record<string, number> = {
  city: 1,
  partner: 1,
  business: 401,
  external_tool: 71,
  form: 301,
  form_field: 5001,
  task: 2001,
  order_receipt: 801,
  sts: 1101,
  banner: 51,
};

/** Returns the rows with which production starts, grouped by entity. */
export async function productionRows(storage: Objects) {
  const rows = new Map<string, Change[]>(Object.keys(firstIds).map((name) => [name, []]));
  const add = (entity: string, content: Content): number => {
    const own = rows.get(entity) ?? [];
    const id = (firstIds[entity] ?? 1) + own.length;
    const after = { ...initialContent(entityNamed(entity)), ...content, id, modified_at: '' };
    for (const { field, links } of linksOf(entityNamed(entity))) {
      Object.assign(after, { [field]: sortLinks(links, linksIn(content, field)) });
    }
    own.push({ entity: entityNamed(entity), before: null, after });
    return id;
  };
  for (const city of load<Content[]>('cities')) add('city', city);
  for (const partner of load<Content[]>('partners')) add('partner', partner);
  const forms = new Map<string, number>();
  for (const { fields, ...form } of load<Form[]>('forms')) {
    const id = add('form', form);
    forms.set(form.name, id);
    fields.forEach((field, index) => add('form_field', { ...field, form: id, order: index + 1 }));
  }
  const businesses = new Map<string, number>();
  const tasks = new Map<string, number>();
  for (const { tasks: own, sts, external_tools: tools, ...business } of load<Business[]>(
    'businesses',
  )) {
    const icon = await keepImage(storage, 'icon', picture(64, 64, businesses.size));
    const id = add('business', { ...business, icon });
    businesses.set(business.name, id);
    for (const tool of tools) add('external_tool', { ...tool, business: id });
    for (const { order_receipts: receipts, ...task } of own) {
      const form = task.form === null ? null : (forms.get(task.form) ?? null);
      const taskId = add('task', { ...task, business: id, form });
      tasks.set(`${business.name}: ${task.title}`, taskId);
      for (const receipt of receipts) add('order_receipt', { ...receipt, task: taskId });
    }
    for (const one of sts) {
      const task = tasks.get(`${business.name}: ${one.task}`) ?? null;
      add('sts', { ...one, business: id, task });
    }
  }
  for (const [index, { start_in_days: start, days, ...banner }] of load<Banner[]>(
    'banners',
  ).entries()) {
    add('banner', {
      ...banner,
      image: await keepImage(storage, 'image', picture(320, 120, index)),
      business: businesses.get(banner.business ?? '') ?? null,
      task: tasks.get(`${banner.business}: ${banner.task}`) ?? null,
      start: inDays(start),
      end: inDays(start + days),
    });
  }
  return [...rows].map(([name, changes]) => ({ name: `First ${name} rows`, changes }));
}

const inDays = (days: number) => {
  const midnight = new Date().setUTCHours(0, 0, 0, 0);
  return new Date(midnight + days * 24 * 60 * 60 * 1000).toISOString();
};

/** Draws a PNG image in two soft colours, which depend on `seed`. */
function picture(width: number, height: number, seed: number): Buffer {
  const hue = (offset: number) => Math.round(127 + 90 * Math.sin(seed * 1.7 + offset));
  const outside = [0, 1, 2].map((channel) => hue(channel * 2.1));
  const isInside = (x: number, y: number) =>
    (x / width - 0.5) ** 2 + (y / height - 0.5) ** 2 < 0.12;
  return png({ width, height }, (x, y) => (isInside(x, y) ? [245, 239, 233] : outside));
}
