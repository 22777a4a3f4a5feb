import { expect, test } from 'vitest';
import { createHash } from 'node:crypto';
import { createReadStream, readdirSync, readFileSync } from 'node:fs';
import { examine, type Ask } from '../../../src/datasets/reading/examine.ts';
import { readRows } from '../../../src/datasets/reading/rows.ts';

type Expected = {
  encoding: string;
  given_encoding?: string;
  delimiter: string;
  header_line: number | null;
  lines_above: number;
  columns: [name: string, type: string, format?: string][];
  rows: number;
  blank_rows: number;
  rejects: [line: number, text: string][];
  stray_quotes: number[];
  asks: string[];
  first: (string | null)[] | null;
  last: (string | null)[] | null;
  sha256: string;
};

const folder = 'test/datasets/files';
const expected = JSON.parse(readFileSync(`${folder}/expected.json`, 'utf8')) as Record<
  string,
  Expected
>;
const names = readdirSync(folder).filter((name) => !/\.(json|md)$/.test(name));

test('every example file in test/datasets/files has its expected result in expected.json', () => {
  expect(Object.keys(expected).toSorted()).toEqual(names.toSorted());
  expect(names).toHaveLength(27);
});

test.each(names)(
  'S3-35 the examination and the load of the file %s give the result in expected.json',
  async (name) => {
    const wanted = expected[name] as Expected;
    const open = () => Promise.resolve(createReadStream(`${folder}/${name}`));
    const choices = wanted.given_encoding ? { encoding: wanted.given_encoding } : {};
    const examination = await examine(open, name, choices);
    const { reading, counts } = examination;
    const batches = await Array.fromAsync(readRows(await open(), reading));
    const rows = batches.flatMap((batch) => batch.rows.map(({ cells }) => cells));
    const rejects = batches.flatMap((batch) => batch.rejects);
    expect({
      encoding: reading.encoding,
      delimiter: reading.delimiter,
      header_line: reading.headerLine,
      lines_above: counts.above,
      columns: reading.columns.map(({ name: column, type, format }) =>
        format === null ? [column, type] : [column, type, format],
      ),
      rows: rows.length,
      blank_rows: counts.empty,
      rejects: rejects.map(({ line, text }) => [line, text]),
      stray_quotes: examination.strayQuotes,
      asks: examination.asks.map(wordsOf),
      first: rows[0] ?? null,
      last: rows.at(-1) ?? null,
      sha256: createHash('sha256')
        .update(rows.map((row) => JSON.stringify(row)).join('\n'))
        .digest('hex'),
    }).toEqual({
      encoding: wanted.encoding,
      delimiter: wanted.delimiter,
      header_line: wanted.header_line,
      lines_above: wanted.lines_above,
      columns: wanted.columns,
      rows: wanted.rows,
      blank_rows: wanted.blank_rows,
      rejects: wanted.rejects,
      stray_quotes: wanted.stray_quotes,
      asks: wanted.asks,
      first: wanted.first,
      last: wanted.last,
      sha256: wanted.sha256,
    });
    expect(counts.rows).toBe(rows.length);
    expect(examination.rejects).toEqual(rejects);
    expect(examination.preview).toEqual(batches.flatMap((batch) => batch.rows).slice(0, 20));
  },
);

const wordsOf = ({ code, column, options }: Ask) =>
  column === null ? code : `${column}: ${options.join(' or ')}`;
