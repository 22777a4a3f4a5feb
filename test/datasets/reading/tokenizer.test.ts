import { expect, test } from 'vitest';
import * as fc from 'fast-check';
import { execFileSync } from 'node:child_process';
import {
  RECORD_LIMIT,
  Tokenizer,
  type LineRecord,
} from '../../../src/datasets/reading/tokenizer.ts';

type Seen = Omit<LineRecord, 'excerpt'> & { shown: string };

/** Returns the records of a text that arrives in chunks. */
function records(pieces: string[], delimiter = ',', limit = RECORD_LIMIT): Seen[] {
  const tokenizer = new Tokenizer(delimiter, limit);
  const found: Seen[] = [];
  const takeAll = () => {
    for (let record = tokenizer.next(); record; record = tokenizer.next()) {
      const { excerpt, ...seen } = record;
      found.push({ ...seen, shown: excerpt() });
    }
  };
  for (const piece of pieces) {
    tokenizer.push(piece, false);
    takeAll();
  }
  tokenizer.push('', true);
  takeAll();
  return found;
}

const cells = (text: string, delimiter = ',') =>
  records([text], delimiter).map((record) => record.damage ?? record.cells);

test.each<[string, string, unknown[]]>([
  [
    'removes blanks around a cell and keeps blanks inside quotes',
    ' a ,\t" b " , c\u00a0\n',
    [['a', ' b ', 'c']],
  ],
  [
    'accepts CRLF, LF and CR as line ends in one file',
    'a\r\nb\nc\rd\r\r\ne',
    [['a'], ['b'], ['c'], ['d'], [''], ['e']],
  ],
  ['reads doubled quotes in a quoted cell as one quote', '"a ""b""",""""\n', [['a "b"', '"']]],
  ['does not treat a backslash as an escape', '"a\\",b\n', [['a\\', 'b']]],
  ['keeps a quote inside an unquoted cell', 'a"b",c\n', [['a"b"', 'c']]],
  [
    'keeps delimiters and line ends in a quoted cell',
    '"a,b\r\nc\rd\ne",f\n',
    [['a,b\r\nc\rd\ne', 'f']],
  ],
  ['does not end a line at a Unicode line separator', 'a\u2028b\u0085c\n', [['a\u2028b\u0085c']]],
  ['reads an empty quoted cell as an empty cell', '"",""\n', [['', '']]],
  ['rejects a line with text after a closing quote', '"a"b,c\nd,e\n', ['after-quote', ['d', 'e']]],
  [
    'rejects only the line on which an unclosed quote begins',
    'a,"b\nc,d\ne,f\n',
    ['unclosed', ['c', 'd'], ['e', 'f']],
  ],
  [
    'rejects the line of each of two unclosed quotes',
    '"a\nb""c\n"d\ne\n',
    ['after-quote', ['b""c'], 'unclosed', ['e']],
  ],
  [
    'rejects the line of an opening quote if text follows its closing quote on a later line',
    '"a\nb\nc"d\ne\n',
    ['after-quote', ['b'], ['c"d'], ['e']],
  ],
  [
    'reads a last line without a line end',
    'a,b\nc,',
    [
      ['a', 'b'],
      ['c', ''],
    ],
  ],
  ['finds no record in an empty text', '', []],
])('the CSV tokenizer %s (S3-35)', (_title, text, wanted) => {
  expect(cells(text)).toEqual(wanted);
});

test('the CSV tokenizer removes spaces around cells, but not a tab if the tab is the delimiter', () => {
  expect(cells('\t"a"\t b \n', '\t')).toEqual([['', 'a', 'b']]);
});

test('the CSV tokenizer rejects a record of more than 1,000,000 characters, and reads a record of exactly that length', () => {
  const fits = 'x'.repeat(RECORD_LIMIT);
  expect(cells(`${fits}\nb\n`).map((one) => one.length)).toEqual([1, 1]);
  expect(cells(`${fits}x\nb\n`)).toEqual(['too-long', ['b']]);
  const lines = `"${'x\n'.repeat(RECORD_LIMIT / 2)}",c\nb\n`;
  const found = cells(lines);
  expect(found).toHaveLength(RECORD_LIMIT / 2 + 2);
  expect([found[0], found[1], ...found.slice(-2)]).toEqual(['too-long', ['x'], 'unclosed', ['b']]);
});

test('the CSV tokenizer keeps only an excerpt of a line of 3 MB that arrives in chunks', () => {
  const pieces = Array.from({ length: 300 }, () => 'x'.repeat(10_000));
  const found = records([...pieces, '"\r', '\n', 'b']);
  expect(found.map(({ damage, line, cells: one }) => [damage, line, one])).toEqual([
    ['too-long', 1, []],
    [null, 2, ['b']],
  ]);
  expect(found[0]?.shown).toBe('x'.repeat(200));
});

test('the CSV tokenizer takes less than five seconds for 50,000 lines that each open a quote', () => {
  const begun = performance.now();
  expect(records(['a","\n'.repeat(50_000)])).toHaveLength(50_000);
  expect(performance.now() - begun).toBeLessThan(5_000);
});

/**
 * The number of random texts: 200,000 in `bin/test --long`, which sets READING_TEXTS, and 1,500
 * otherwise.
 */
const numRuns = Number(process.env['READING_TEXTS'] ?? 1_500);
const timeout = 60_000 + numRuns * 10;
const part = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('"', '""', ',', '\n', '\r', '\r\n', ' ', '\t') },
  {
    weight: 2,
    arbitrary: fc.constantFrom('a', 'bc', '1', '\0', '\u00a0', '\u2028', 'é', '😀', '\ufeff'),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 3 }) },
);
const text = fc.array(part, { maxLength: 40 }).map((parts) => parts.join(''));
const cuts = fc.array(fc.nat(80), { maxLength: 6 });

test(
  'the CSV tokenizer returns the same records of a random text, wherever the text is cut into chunks',
  () => {
    fc.assert(
      fc.property(text, cuts, (content, places) => {
        const whole = records([content]);
        expect(records(content.split(''))).toEqual(whole);
        expect(records(cutAt(content, places))).toEqual(whole);
      }),
      { numRuns },
    );
  },
  timeout,
);

function cutAt(content: string, places: number[]): string[] {
  const sorted = [0, ...places.toSorted((one, other) => one - other), content.length];
  return sorted.slice(1).map((place, index) => content.slice(sorted[index], place));
}

test(
  'the CSV tokenizer splits random texts like a simple second implementation, for any record limit',
  () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 3, max: 60 }), cuts, (content, limit, places) => {
        const wanted = spelled(content, limit);
        for (const pieces of [[content], content.split(''), cutAt(content, places)]) {
          const found = records(pieces, ',', limit);
          expect(found.map((one) => one.damage ?? one.cells)).toEqual(wanted);
        }
      }),
      { numRuns },
    );
  },
  timeout,
);

/**
 * Implements the rules of the tokenizer a second time, simply and slowly, as the expected result.
 */
function spelled(content: string, limit: number): (string | string[])[] {
  const found: (string | string[])[] = [];
  let rest = content;
  while (rest !== '') {
    const firstLine = /^[^\r\n]*(\r\n|\r|\n)?/.exec(rest)?.[0] ?? '';
    const record = spelledRecord(rest, limit);
    const isDamaged = typeof record === 'string';
    found.push(isDamaged ? record : record.cells);
    rest = rest.slice(isDamaged ? firstLine.length : record.length);
  }
  return found;
}

const cell =
  /^(?:[^\S\r\n]*"((?:[^"]|"")*)"(?!")[^\S\r\n]*|(?![^\S\r\n]*")([^,\r\n]*))(,|\r\n|\r|\n|$)/;
const opened = /^[^\S\r\n]*"(?:[^"]|"")*$/;

function spelledRecord(rest: string, limit: number): { cells: string[]; length: number } | string {
  const found: string[] = [];
  let at = 0;
  for (;;) {
    const match = cell.exec(rest.slice(at));
    if (!match) return spelledDamage(rest, at, limit);
    const [whole, quotedCell, plain = '', end = ''] = match;
    found.push(quotedCell === undefined ? plain.trim() : quotedCell.replaceAll('""', '"'));
    at += whole.length;
    if (end === ',') continue;
    return at - end.length > limit ? 'too-long' : { cells: found, length: at };
  }
}

/** A damaged record counts as too long if it exceeds the limit before its damage is found. */
function spelledDamage(rest: string, at: number, limit: number): string {
  const firstLine = /^[^\r\n]*/.exec(rest)?.[0] ?? '';
  const isOpen = opened.test(rest.slice(at));
  const close = /^[^\S\r\n]*"(?:[^"]|"")*(?=")/.exec(rest.slice(at))?.[0] ?? '';
  const reached = isOpen ? rest.length : at + close.length;
  const isLong = firstLine.length > limit || (reached > limit && reached > firstLine.length);
  if (isLong) return 'too-long';
  return isOpen ? 'unclosed' : 'after-quote';
}

test(
  'the CSV tokenizer puts every line of a random text into exactly one record',
  () => {
    fc.assert(
      fc.property(text, (content) => {
        let next = 1;
        for (const { line, lines } of records([content])) {
          expect(line).toBe(next);
          next += lines;
        }
        const ends = content.match(/\r\n|\r|\n/g)?.length ?? 0;
        const isOpen = content !== '' && !/[\r\n]$/.test(content);
        expect(next - 1).toBe(ends + (isOpen ? 1 : 0));
      }),
      { numRuns },
    );
  },
  timeout,
);

const table = fc.array(
  fc.array(fc.string({ unit: 'grapheme', maxLength: 8 }), { minLength: 1, maxLength: 4 }),
  {
    maxLength: 5,
  },
);

test(
  'the CSV tokenizer reads random cells unchanged after they are written as CSV',
  () => {
    const delimiter = fc.constantFrom(',', ';', '\t', '|');
    const lineEnd = fc.constantFrom('\n', '\r\n', '\r');
    fc.assert(
      fc.property(table, delimiter, lineEnd, (rows, between, end) => {
        const content = rows.map((row) => row.map(quoted).join(between) + end).join('');
        expect(cells(content, between)).toEqual(rows);
      }),
      { numRuns },
    );
  },
  timeout,
);

const quoted = (cell: string) => `"${cell.replaceAll('"', '""')}"`;

/**
 * A Python program that parses each input line, a CSV text in JSON, and prints its cells as JSON.
 */
const python = `
import csv, io, json, sys
for line in sys.stdin:
    print(json.dumps(list(csv.reader(io.StringIO(json.loads(line), newline=''), strict=True))))
`;

test(
  'the CSV tokenizer reads well-formed tables like the csv module of Python',
  () => {
    const word = fc.stringMatching(/^[a-z0-9é😀.;']{0,6}$/u);
    const written = fc.oneof(
      word,
      fc
        .string({ unit: fc.constantFrom('"', ',', '\n', '\r', ' ', 'a', 'é'), maxLength: 6 })
        .map(quoted),
    );
    const content = fc
      .array(fc.array(written, { minLength: 2, maxLength: 5 }), { minLength: 1, maxLength: 5 })
      .map((rows) => rows.map((row) => `${row.join(',')}\r\n`).join(''));
    const texts = fc.sample(content, Math.min(numRuns, 20_000));
    const input = texts.map((one) => JSON.stringify(one)).join('\n');
    const answers = runPython(input)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(texts.map((one) => cells(one))).toEqual(answers);
  },
  timeout,
);

function runPython(input: string): string {
  try {
    return execFileSync('python3', ['-c', python], { input, encoding: 'utf8', maxBuffer: 2 ** 30 });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new Error('python3 is missing. Install it: apt-get install python3', { cause: error });
    }
    throw error;
  }
}
