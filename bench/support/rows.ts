// Makes sample rows as people write them, with varied lengths, scripts and references. Every run makes the same rows.
import type { Db } from 'mongodb';
import type { Connection } from 'mysql2/promise';

const BUSINESSES = 200;
const CITIES = ['Pune', 'Mumbai', 'नागपुर', '東京', 'São Paulo', 'Köln', 'Kraków', 'Surat'];

/** Makes random numbers from a seed (mulberry32), the same numbers in every run. */
function dice(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below;
  };
}

const pick = <T>(roll: (below: number) => number, from: readonly T[]) =>
  from[Math.floor(roll(from.length))] as T;

const verbs = ['Book', 'Plan', 'Cancel', 'Change', 'Pay for', 'Send', 'Reorder', 'Rate', 'Share'];
const things = [
  'a table for two',
  'a visit to the doctor',
  'a cab to the airport',
  'the midnight hamper 🪔',
  'a plumber',
  'दिवाली की मिठाई',
  'tickets for “Three Sisters”',
  'a piano lesson',
  'the monthly electricity bill',
  'a haircut & a shave',
];
const sentences = [
  'Tell us when you would like to come and how many of you there are.',
  'We call you back within ten minutes, on weekends within thirty.',
  'Payment is taken only after the partner has confirmed; nothing is charged before.',
  'कृपया अपना पता और समय बताइए।',
  'Children under six travel free of charge 👨‍👩‍👧 as long as they sit on your lap.',
  'If it rains, we move it to the next day "unless you tell us otherwise".',
  'Prices include 18 % GST.\nDelivery is free above ₹499.',
  'ご希望の日時をお知らせください。',
];

type Line = (string | number | null)[];

function taskLine(id: number): Line {
  const roll = dice(id);
  const title = `${pick(roll, verbs)} ${pick(roll, things)} in ${pick(roll, CITIES)} ${id}`;
  const message = Array.from({ length: 1 + Math.floor(roll(9)) }, () => pick(roll, sentences));
  return [
    id,
    title,
    roll(12) < 1 ? null : message.join(' '),
    1 + Math.floor(roll(BUSINESSES)),
    null,
    Math.floor(roll(1000)),
    roll(5) < 1 ? 0 : 1,
    instant(Math.floor(roll(400 * 86_400))),
  ];
}

const instant = (secondsAfter2025: number) =>
  new Date(Date.UTC(2025, 0, 1) + secondsAfter2025 * 1000)
    .toISOString()
    .replace('T', ' ')
    .replace('Z', '');

function businessLine(id: number): Line {
  const roll = dice(id + 7_000_000);
  const category = pick(roll, ['Travel', 'Food', 'Health', 'Events', 'Beauty']);
  const name = `${pick(roll, ['Sunrise', 'Night Owl', 'Café Coral', 'Ganga'])} ${category} ${id}`;
  const description = `${pick(roll, sentences)} ${pick(roll, sentences)}`;
  return [id, name, category, description, null, 1, Math.floor(roll(1000)), instant(id)];
}

/** Fills a database with cities, businesses that are linked with these cities, and `tasks` tasks. */
export async function fillSql(ask: Connection, database: string, tasks: number) {
  const cities = CITIES.map((name, index) => [index + 1, name, null, instant(0)]);
  const businesses = range(BUSINESSES).map(businessLine);
  const links = range(BUSINESSES).map((id) => [id, 1 + (id % CITIES.length), null]);
  await ask.query('INSERT INTO ??.city VALUES ?', [database, cities]);
  await ask.query('INSERT INTO ??.business VALUES ?', [database, businesses]);
  await ask.query('INSERT INTO ??.business_city VALUES ?', [database, links]);
  await fillTasks(ask, database, tasks);
}

async function fillTasks(ask: Connection, database: string, tasks: number) {
  for (let from = 0; from < tasks; from += 1000) {
    const lines = range(Math.min(1000, tasks - from)).map((one) => taskLine(from + one));
    await ask.query('INSERT INTO ??.task VALUES ?', [database, lines]);
  }
}

/** Updates every task, or every n-th task (n is `one`), by direct SQL, as another program would. */
export const edit = (ask: Connection, database: string, edition: number, one = 1) =>
  ask.query(
    `UPDATE ??.task
        SET message = CONCAT(LEFT(COALESCE(message, ''), 800), ' Edition ', ?),
            priority = (priority + 1) % 1000, modified_at = modified_at + INTERVAL 1 DAY
      WHERE id % ? = 0`,
    [database, edition, one],
  );

export type Document = { _id: number; modified_at: Date; [field: string]: unknown };

export function formDocuments(forms: number): Document[] {
  return range(forms).map((id) => {
    const roll = dice(id + 9_000_000);
    const name = `${pick(roll, things).slice(0, 40)}, details ${id}`;
    return { _id: id, modified_at: new Date(id), name, description: pick(roll, sentences) };
  });
}

export function fieldDocuments(fields: number, forms: number): Document[] {
  return range(fields).map((id) => {
    const roll = dice(id + 11_000_000);
    const isChoice = roll(4) < 1;
    return {
      _id: id,
      modified_at: new Date(id),
      form: 1 + (id % forms),
      label: pick(roll, ['Date of birth', 'Where to?', 'पता', 'How many?', 'E-mail', 'お名前']),
      type: isChoice ? 'choice' : pick(roll, ['text', 'date', 'number', 'email', 'yes_no']),
      required: roll(2) < 1,
      order: 1 + Math.floor(id / forms),
      options: isChoice ? ['Window', 'Aisle', 'I do not mind 🙂'] : [],
      validation: roll(6) < 1 ? '^[A-Z]{2}\\d{4}$' : null,
    };
  });
}

export async function fillDocuments(db: Db, collection: string, documents: Document[]) {
  for (let from = 0; from < documents.length; from += 1000) {
    await db.collection<Document>(collection).insertMany(documents.slice(from, from + 1000));
  }
}

export const range = (count: number) => Array.from({ length: count }, (_one, index) => index + 1);
