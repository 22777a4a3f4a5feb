// Exports a list as a file, CSV or JSON. Rows are read in parts, and each part is sent before the next one is read, so
// that a list of any length needs only the memory of one part.
import { Readable } from 'node:stream';
import { pipeline as stream } from 'node:stream/promises';
import type { Request, Response } from 'express';
import { NotFound } from '../problems.ts';
import { csvLine, withoutFormula, type Cell } from './csv.ts';
import { textIn } from './request.ts';

export const exportFormats = ['csv', 'json'] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** Reads from a URL in which format a list is exported. */
export function exportFormatIn(query: Request['query']): ExportFormat {
  const format = exportFormats.find((one) => one === textIn(query, 'format'));
  if (!format) throw new NotFound('A list is exported as csv or json.');
  return format;
}

/** A column of an export: its name in JSON and its head in CSV, and its value in both. */
export type ExportColumn<T> = {
  name: string;
  label: string;
  json: (row: T) => unknown;
  cell: (row: T) => Cell;
};

/** A column whose values are the same in JSON and in CSV. */
export const plainColumn = <T>(
  name: string,
  label: string,
  value: (row: T) => Cell,
): ExportColumn<T> => ({ name, label, json: value, cell: value });

/** Sends rows as a file to download. If reading fails on the way, the download breaks off and counts as failed. */
export async function sendExport<T>(
  res: Response,
  { name, format, columns }: { name: string; format: ExportFormat; columns: ExportColumn<T>[] },
  parts: AsyncIterable<readonly T[]>,
) {
  // The extension of the file name also sets the header Content-Type.
  res.attachment(`${name}.${format}`);
  await stream(Readable.from(writers[format](columns, parts), { objectMode: false }), res);
}

type Writer = <T>(
  columns: ExportColumn<T>[],
  parts: AsyncIterable<readonly T[]>,
) => AsyncGenerator<string>;

const writers: Record<ExportFormat, Writer> = { csv: csvOf, json: jsonOf };

/** The byte order mark: without it, Excel reads the text as Latin-1. */
const UTF8 = '\uFEFF';

async function* csvOf<T>(columns: ExportColumn<T>[], parts: AsyncIterable<readonly T[]>) {
  yield UTF8 + csvLine(columns.map(({ label }) => withoutFormula(label)));
  for await (const rows of parts) {
    const lines = rows.map((row) => csvLine(columns.map(({ cell }) => withoutFormula(cell(row)))));
    yield lines.join('');
  }
}

async function* jsonOf<T>(columns: ExportColumn<T>[], parts: AsyncIterable<readonly T[]>) {
  const objectOf = (row: T) =>
    JSON.stringify(Object.fromEntries(columns.map(({ name, json }) => [name, json(row)])));
  let before = '[\n';
  for await (const rows of parts) {
    if (rows.length === 0) continue;
    yield before + rows.map(objectOf).join(',\n');
    before = ',\n';
  }
  yield before === '[\n' ? '[]\n' : '\n]\n';
}
