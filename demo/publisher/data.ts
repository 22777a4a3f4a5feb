// The data files of an invented publisher (the Office for City Statistics), which the demo and the tests fetch. Each
// start of the publisher’s server generates exactly the same files.
import { readFileSync } from 'node:fs';

/** A data file that the invented publisher serves. `mended`: its content after the publisher has corrected an error. */
export type PublishedFile = { content: Buffer; mended?: Buffer };
export type Published = Map<string, PublishedFile>;

/** Returns all data files of the invented publisher, by their URL paths. */
export function publishedFiles(): Published {
  const files: Published = new Map();
  const add = (path: string, file: PublishedFile) => files.set(`/files/${path}.csv`, file);
  for (const year of [2024, 2025, 2026]) add(`cities/cities-${year}`, { content: cities(year) });
  for (const month of months(2026, 10)) add(`rainfall/rainfall-${month}`, rainfall(month));
  for (const year of [2024, 2025]) add(`ridership/ridership-${year}`, { content: ridership(year) });
  return files;
}

/**
 * Returns a generator of numbers that look random and are the same at every start: a linear
 * congruential generator.
 */
function numbers(seed: number): (below: number) => number {
  let state = seed % 2_147_483_647 || 1;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

type City = { name: string; country: string };
const sample = JSON.parse(
  readFileSync(new URL('../data/cities.json', import.meta.url), 'utf8'),
) as City[];

/** Cities that occur only in the publisher’s data files, not in Oneway’s sample data. */
const newer = [
  'Alappuzha',
  'Baramati',
  'Chikkamagaluru',
  'Darjeeling',
  'Gandhidham',
  'Hassan',
  'Mandya',
  'Kannur',
  'Valsad',
  'Nadiad',
  'Palakkad',
  'Porbandar',
  'Wardha',
  'Udupi',
].map((name) => ({ name, country: 'IN' }));
/** City names that the publisher’s data files spell in another way than Oneway’s sample data. */
const spelled: Record<string, string> = { Pune: 'PUNE', Mumbai: 'Mumbai ', Chennai: 'chennai' };

const text = (lines: string[]) => Buffer.from(`${lines.join('\r\n')}\r\n`);
const quoted = (cell: string) =>
  /[",]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;

function cities(year: number): Buffer {
  const listed = [...sample.slice(0, 440 + (year - 2024) * 20), ...newer];
  const lines = listed.map(({ name, country }, index) => {
    const random = numbers(index + 7);
    const population = 15_000 + random(900_000) + (year - 2024) * random(9000);
    const area = (12 + random(400) + random(100) / 100).toFixed(2);
    return [quoted(spelled[name] ?? name), country, population, area, `${year}-06-30`].join(',');
  });
  return text(['city,country,population,area_km2,counted_on', ...lines]);
}

const months = (year: number, count: number) =>
  Array.from({ length: count }, (_one, index) => `${year}-${String(index + 1).padStart(2, '0')}`);

/**
 * Daily rain at 24 stations, in the format of offices in Germany: semicolons, decimal commas, and a
 * title above the header.
 */
function rainfall(month: string): PublishedFile {
  const random = numbers(Number(month.replace('-', '')));
  const lines = Array.from({ length: 28 }, (_day, day) =>
    Array.from({ length: 24 }, (_station, station) => {
      const millimetres = (random(10) > 5 ? random(320) / 10 : 0).toFixed(1).replace('.', ',');
      const date = `${month}-${String(day + 1).padStart(2, '0')}`;
      return [
        `ST-${String(station + 1).padStart(3, '0')}`,
        date,
        millimetres,
        random(40) === 0 ? 'N/A' : random(100),
      ].join(';');
    }),
  ).flat();
  const content = text([`Rainfall ${month}`, 'station;day;rain_mm;humidity', ...lines]);
  // The rainfall file of July is broken on purpose: instead of rows, it contains an HTML error page of the publisher’s
  // server.
  const broken = Buffer.from(
    '<!doctype html><title>503</title><p>The archive is being maintained.</p>\n',
  );
  return month.endsWith('-07') ? { content: broken, mended: content } : { content };
}

function ridership(year: number): Buffer {
  const random = numbers(year);
  const lines = sample.slice(0, 60).flatMap(({ name }) =>
    months(year, 12).map((month) => {
      const riders = 20_000 + random(4_000_000);
      return [
        quoted(name),
        month,
        random(2) === 0 ? 'bus' : 'metro',
        riders,
        (random(3000) / 100).toFixed(2),
      ].join(',');
    }),
  );
  return text(['city,month,mode,riders,fare_average', ...lines]);
}
