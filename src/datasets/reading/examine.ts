// The first pass over a data file: proposes a reading from all of its rows.
import { proposeDelimiter, type Sample } from './delimiter.ts';
import * as encoding from './encoding.ts';
import type { ColumnFacts, Example } from './facts.ts';
import { layoutOf } from './header.ts';
import { Unreadable, type Choices, type Counts, type Reading, type Reject } from './reading.ts';
import { rowReader, type DataRow } from './rows.ts';
import { Tally, type Doubt } from './tally.ts';
import { unpack, type Unpacked, type UnpackOptions } from './unpack.ts';

/** A question that only a person can answer, with examples from the file. */
export type Ask = {
  code: 'encoding' | 'dates' | 'numbers';
  column: string | null;
  /** The answers to choose from, the proposed one first: encodings or formats. */
  options: string[];
  examples: Example[];
};

export type Examination = {
  reading: Reading;
  counts: Counts;
  asks: Ask[];
  columns: ColumnFacts[];
  /** The first 1,000. */
  rejects: Reject[];
  /** The first 20 rows, as they would be loaded. */
  preview: DataRow[];
  /** The first 20 lines above the header. */
  above: Example[];
  /** The first 100 lines with a quote inside an unquoted cell. */
  strayQuotes: number[];
};

export type Open = () => Promise<AsyncIterable<Uint8Array>>;

/**
 * Reads the whole file; more than once when its encoding is not the first one tried.
 * @throws Unreadable
 */
export async function examine(
  open: Open,
  fileName: string,
  choices: Choices = {},
  options: UnpackOptions = {},
): Promise<Examination> {
  const chosen = chosenEncoding(choices);
  const unpacked = async () => unpack(await open(), { fileName, ...options });
  const first = await unpacked();
  const told = chosen ?? encoding.encodingByStart(first.head);
  const found = await passIn(first, told ?? 'utf-8', choices, false);
  if (found) return found;
  if (chosen !== null || told?.startsWith('utf-16')) throw encoding.notIn(told ?? 'utf-8');
  const sample = await encoding.sampleOf((await unpacked()).content);
  for (const proposed of new Set([encoding.proposeEncoding(sample), encoding.USUAL])) {
    const other = await passIn(await unpacked(), proposed, choices, true);
    if (other) return other;
  }
  throw encoding.notIn(encoding.USUAL);
}

function chosenEncoding({ encoding: label }: Choices): string | null {
  if (label === undefined) return null;
  const name = encoding.encodingNamed(label);
  if (name === null) throw new Unreadable('encoding', `No encoding is called ${label}.`);
  return name;
}

const usualEncodings = [
  'windows-1252',
  'windows-1250',
  'windows-1251',
  'iso-8859-15',
  'shift_jis',
  'gb18030',
];

/** One pass; null when the file is not in this encoding. `isProposed` when a person must confirm that. */
async function passIn(
  { content, compression }: Unpacked,
  name: string,
  choices: Choices,
  isProposed: boolean,
): Promise<Examination | null> {
  const texts = encoding.decoded(content, name);
  try {
    const { tally, rules } = await tallyOf(texts, choices, isProposed);
    const { facts, positions, doubts } = tally.columns();
    const asks = doubts.map(askOf);
    if (isProposed) asks.unshift(askEncoding(name, tally.beyondAscii));
    const columns = facts.map(({ name: header, type, format }) => ({ name: header, type, format }));
    const reading = { compression, encoding: name, ...rules, columns, positions };
    return examinationOf(tally, reading, facts, asks);
  } catch (error) {
    if (error instanceof encoding.WrongEncoding) return null;
    throw error;
  } finally {
    await texts.return(undefined);
  }
}

async function tallyOf(texts: AsyncGenerator<string>, choices: Choices, isProposed: boolean) {
  const { sample, rest } = await beginning(texts);
  const delimiter = choices.delimiter ?? proposeDelimiter(sample);
  const layout = layoutOf(sample, delimiter, choices.headerLine);
  const rules = {
    delimiter,
    headerLine: layout.headerLine,
    width: layout.width,
    fillShortRows: choices.fillShortRows ?? false,
    ignoreEmptySurplus: choices.ignoreEmptySurplus ?? false,
  };
  const tally = new Tally(layout, rules, { types: choices.types, isEncodingDoubtful: isProposed });
  tally.push(sample.text);
  tally.push(rest);
  for await (const text of texts) tally.push(text);
  tally.end();
  return { tally, rules };
}

function askEncoding(proposed: string, examples: Example[]): Ask {
  const options = [proposed, ...usualEncodings.filter((other) => other !== proposed)];
  return { code: 'encoding', column: null, options, examples };
}

function examinationOf(
  tally: Tally,
  reading: Reading,
  columns: ColumnFacts[],
  asks: Ask[],
): Examination {
  const counts = tally.lines.total();
  if (counts.header + counts.rows + counts.rejects === 0) throw nothingInIt();
  const rowOf = rowReader(reading);
  const preview = tally.firstLines.map(rowOf).flatMap((row) => ('reason' in row ? [] : [row]));
  const { rejects, strayQuotes } = tally;
  return {
    reading,
    counts,
    asks,
    columns,
    rejects,
    preview,
    above: tally.lines.above,
    strayQuotes,
  };
}

const formatsToChoose = { dates: ['d/m/y', 'm/d/y'], numbers: ['1,234.5', '1.234,5'] };

const askOf = ({ code, column, examples }: Doubt): Ask => ({
  code,
  column,
  options: formatsToChoose[code],
  examples,
});

const nothingInIt = () =>
  new Unreadable(
    'empty',
    'The file has no cell with anything in it. Save it again, with its rows.',
  );

/** Characters that are looked at to propose a delimiter and a header. */
const SAMPLE = 4_000_000;

/** Takes the beginning of a text, and what came with it. */
async function beginning(texts: AsyncGenerator<string>): Promise<{ sample: Sample; rest: string }> {
  let text = '';
  let isWhole = false;
  while (text.length <= SAMPLE && !isWhole) {
    const next = await texts.next();
    if (next.done) isWhole = true;
    else text += next.value;
  }
  return { sample: { text: text.slice(0, SAMPLE), isWhole }, rest: text.slice(SAMPLE) };
}
