import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { execFileSync } from 'node:child_process';
import {
  RECORD_LIMIT,
  Tokenizer,
  type LineRecord,
} from '../../../src/datasets/reading/tokenizer.ts';

type Seen = Omit<LineRecord, 'excerpt'> & { shown: string };

/** The records of a text that arrives in pieces. */
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
    'blanks around a cell go, inside quotes they stay',
    ' a ,\t" b " , c\u00a0\n',
    [['a', ' b ', 'c']],
  ],
  [
    'lines end in CRLF, LF or CR, mixed',
    'a\r\nb\nc\rd\r\r\ne',
    [['a'], ['b'], ['c'], ['d'], [''], ['e']],
  ],
  ['doubled quotes are a quote', '"a ""b""",""""\n', [['a "b"', '"']]],
  ['a backslash is nothing special', '"a\\",b\n', [['a\\', 'b']]],
  ['a quote inside an unquoted cell is kept', 'a"b",c\n', [['a"b"', 'c']]],
  [
    'a quoted cell holds delimiters and line ends',
    '"a,b\r\nc\rd\ne",f\n',
    [['a,b\r\nc\rd\ne', 'f']],
  ],
  ['a line end of Unicode ends no line', 'a\u2028b\u0085c\n', [['a\u2028b\u0085c']]],
  ['an empty quoted cell is empty', '"",""\n', [['', '']]],
  ['text behind a closing quote costs its line', '"a"b,c\nd,e\n', ['after-quote', ['d', 'e']]],
  [
    'an unclosed quote costs only the line it began on',
    'a,"b\nc,d\ne,f\n',
    ['unclosed', ['c', 'd'], ['e', 'f']],
  ],
  [
    'each of two unclosed quotes costs its own line',
    '"a\nb""c\n"d\ne\n',
    ['after-quote', ['b""c'], 'unclosed', ['e']],
  ],
  [
    'a quote that closes wrongly lines below costs the line where it opened',
    '"a\nb\nc"d\ne\n',
    ['after-quote', ['b'], ['c"d'], ['e']],
  ],
  [
    'the last line needs no end',
    'a,b\nc,',
    [
      ['a', 'b'],
      ['c', ''],
    ],
  ],
  ['an empty text has no record', '', []],
])('%s (S3-35)', (_title, text, wanted) => {
  expect(cells(text)).toEqual(wanted);
});

test('a tab between cells is no blank', () => {
  expect(cells('\t"a"\t b \n', '\t')).toEqual([['', 'a', 'b']]);
});

test('a record over 1 MB costs its line, and one of exactly 1 MB is read', () => {
  const fits = 'x'.repeat(RECORD_LIMIT);
  expect(cells(`${fits}\nb\n`).map((one) => one.length)).toEqual([1, 1]);
  expect(cells(`${fits}x\nb\n`)).toEqual(['too-long', ['b']]);
  const lines = `"${'x\n'.repeat(RECORD_LIMIT / 2)}",c\nb\n`;
  const found = cells(lines);
  expect(found).toHaveLength(RECORD_LIMIT / 2 + 2);
  expect([found[0], found[1], ...found.slice(-2)]).toEqual(['too-long', ['x'], 'unclosed', ['b']]);
});

test('a line of 3 MB that arrives in pieces is not kept in memory', () => {
  const pieces = Array.from({ length: 300 }, () => 'x'.repeat(10_000));
  const found = records([...pieces, '"\r', '\n', 'b']);
  expect(found.map(({ damage, line, cells: one }) => [damage, line, one])).toEqual([
    ['too-long', 1, []],
    [null, 2, ['b']],
  ]);
  expect(found[0]?.shown).toBe('x'.repeat(200));
});

test('lines that could each begin a quoted cell are not searched again and again', () => {
  const begun = performance.now();
  expect(records(['a","\n'.repeat(50_000)])).toHaveLength(50_000);
  expect(performance.now() - begun).toBeLessThan(5_000);
});

/** Random texts of what matters to a tokenizer; `bin/test --long` sets 200,000. */
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
  'any chunking of a random text gives the same records',
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
  'a random text is cut as one reads it character by character, whatever the limit of a record',
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

/** The rules once more, without anything that makes them fast. */
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

/** A record is too long when it is over the limit where it turns out to be damaged. */
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
  'every line of a random text is in exactly one record',
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
  'cells that are written as CSV are read back equal',
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

/** Reads JSON texts and answers with the JSON of their cells. */
const python = `
import csv, io, json, sys
for line in sys.stdin:
    print(json.dumps(list(csv.reader(io.StringIO(json.loads(line), newline=''), strict=True))))
`;

test(
  "Python's csv module reads well-formed tables equally",
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
