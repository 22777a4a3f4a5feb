// A process that reads a data file with one reader, and sends its CPU time and peak memory to its parent process.
import { createReadStream } from 'node:fs';
import { parse } from 'csv-parse';
import { decoded } from '../../src/datasets/reading/encoding.ts';
import { examine } from '../../src/datasets/reading/examine.ts';
import { Lines } from '../../src/datasets/reading/lines.ts';
import { readRows } from '../../src/datasets/reading/rows.ts';

const [, , way = '', file = ''] = process.argv;
const open = () => Promise.resolve(createReadStream(file));

/** The readers of data files, by name. Each reader returns how many rows it has read. */
const ways: Record<string, () => Promise<number>> = { cells, types, rows, 'csv-parse': csvParse };

/** Splits the bytes into lines and cells, without detecting types. */
async function cells(): Promise<number> {
  const rules = { delimiter: ',', headerLine: 1, width: 30 };
  const lines = new Lines({ ...rules, fillShortRows: false, ignoreEmptySurplus: false });
  let seen = 0;
  const takeAll = () => {
    while (lines.next()) seen += 1;
  };
  for await (const text of decoded(await open(), 'utf-8')) {
    lines.push(text);
    takeAll();
  }
  lines.end();
  takeAll();
  return lines.total().rows === seen ? seen : 0;
}

/** Runs only the first pass, which detects the types of all cells. */
async function types(): Promise<number> {
  return (await examine(open, 'data.csv')).counts.rows;
}

/** Runs both passes: the first detects the types of all cells, the second reads the rows as values. */
async function rows(): Promise<number> {
  const { reading } = await examine(open, 'data.csv');
  let seen = 0;
  for await (const batch of readRows(await open(), reading)) seen += batch.rows.length;
  return seen;
}

async function csvParse(): Promise<number> {
  let seen = -1;
  for await (const record of (await open()).pipe(parse())) seen += Array.isArray(record) ? 1 : 0;
  return seen;
}

const before = process.cpuUsage();
const seen = await ways[way]?.();
const { user, system } = process.cpuUsage(before);
const megabytes = Math.round((process.resourceUsage().maxRSS * 1024) / 1e6);
process.send?.({ seen, milliseconds: (user + system) / 1_000, megabytes });
