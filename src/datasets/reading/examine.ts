// The examination, the first pass over a data file: reads all rows and proposes how to parse the file.
import { proposeDelimiter, type Sample } from './delimiter.ts';
import * as encoding from './encoding.ts';
import type { ColumnFacts, Example } from './facts.ts';
import { layoutOf } from './header.ts';
import { Unreadable, type Choices, type Counts, type Reading, type Reject } from './reading.ts';
import { rowReader, type DataRow } from './rows.ts';
import { Tally, type Doubt } from './tally.ts';
import { unpack, type Unpacked, type UnpackOptions } from './unpack.ts';

/** A question about a file that only a person can answer, with examples from the file. */
export type Ask = {
  code: 'encoding' | 'dates' | 'numbers';
  column: string | null;
  /** The answers to choose from: encodings or formats, the proposed answer first. */
  options: string[];
  examples: Example[];
};

export type Examination = {
  reading: Reading;
  counts: Counts;
  asks: Ask[];
  columns: ColumnFacts[];
  /** The first 1,000 rejected lines. */
  rejects: Reject[];
  /** The first 20 rows, as a load would store them. */
  preview: DataRow[];
  /** The first 20 lines above the header. */
  above: Example[];
  /** The lines of the first 100 rows with a quote inside an unquoted cell. */
  strayQuotes: number[];
};

export type Open = () => Promise<AsyncIterable<Uint8Array>>;

/**
 * Examines the whole file. Reads it more than once if the first encoding that was tried is wrong.
 * @throws Unreadable if no encoding fits or the file has no table
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

/**
 * Reads the file once in the given encoding. Returns null if the file has bytes that are invalid in
 * the encoding. `isProposed`: whether a person must confirm the encoding.
 */
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

/**
 * The delimiter and the header are proposed from this many characters at the beginning of the file.
 */
const SAMPLE = 4_000_000;

/**
 * Reads the beginning of a text as a sample. `rest` is what the last chunk contained beyond the
 * sample.
 */
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
