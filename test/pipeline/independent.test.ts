// S3-22 After the pipeline has copied an uploaded file into the datasets database, the table contains the values that
// Python reads from the file.
import { expect, test } from 'vitest';
import { execFileSync } from 'node:child_process';
import * as runs from '../../src/pipeline/runs.ts';
import { addDataset, load } from '../support/datasets.ts';
import { rowsIn, usePipeline } from '../support/pipeline.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const pipeline = usePipeline(world, { API_PAGE_SIZE: '100' });

const script = `
import csv, io, json, sys
rows = list(csv.reader(io.StringIO(sys.stdin.read(), newline='')))
json.dump(rows, sys.stdout)
`;
const readByPython = (content: string) =>
  JSON.parse(
    execFileSync('python3', ['-X', 'utf8', '-c', script], { input: content, encoding: 'utf8' }),
  ) as string[][];

const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
const lineOf = (index: number) =>
  [
    index,
    `0${index}`,
    quoted(`Line ${index},\nwith "quotes", Ä😀 and ${'x'.repeat(index % 50)}`),
    index % 7 === 0 ? '' : `${index * 37}.${String(index % 100).padStart(2, '0')}`,
    `2026-${String((index % 12) + 1).padStart(2, '0')}-28`,
    `2026-11-26T${String(index % 24).padStart(2, '0')}:30:00.${String(index % 1000).padStart(3, '0')}Z`,
    index % 3 === 0 ? 'true' : 'false',
    '9007199254740993',
  ].join(',');

/** For each column: converts a cell of the uploaded file to the value that the datasets database should contain. */
const expected: ((cell: string) => unknown)[] = [
  Number,
  String,
  String,
  (cell) => Number(cell).toFixed(2),
  String,
  (cell) => cell.replace('T', ' ').replace('Z', '000'),
  (cell) => Number(cell === 'true'),
  String,
];

test('S3-22 after the pipeline has copied an uploaded file, its table in the datasets database has the values that Python reads from the file', async () => {
  const { here } = pipeline.site;
  const header = 'id,code,text,amount,day,at,is_third,long';
  const content = [header, ...Array.from({ length: 350 }, (_, n) => lineOf(n + 1)), ''].join(
    '\r\n',
  );
  const dataset = await addDataset(here);
  await load(here, dataset, content);
  const [run] = await runs.list(here.sql, { state: '', dataset: dataset.id, before: null });
  const ended = run?.state === 'completed' ? run : await pipeline.carry(run?.number ?? null);
  expect(ended).toMatchObject({ state: 'completed', pages_fetched: 4, rows_inserted: 350 });
  const [, ...lines] = readByPython(content);
  const read = lines.map((line) =>
    line.map((cell, index) => (cell === '' ? null : expected[index]?.(cell))),
  );
  expect(await rowsIn(pipeline.target, 'statistics_cities')).toEqual(read);
});
