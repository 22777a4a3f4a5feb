// Test support: examines and reads a text or bytes as a data file.
import { examine, type Examination } from '../../../src/datasets/reading/examine.ts';
import type { Choices, Counts, Reject } from '../../../src/datasets/reading/reading.ts';
import { readRows, type DataRow } from '../../../src/datasets/reading/rows.ts';

export type Content = string | Uint8Array;

type Read = Examination & { rows: DataRow[]; cells: (string | null)[][]; loaded: Counts };

/** Examines a file and then reads its rows. The file arrives in chunks of `size` bytes. */
export async function read(content: Content, choices: Choices = {}, size = 65_536): Promise<Read> {
  const examination = await examined(content, choices, size);
  const rows: DataRow[] = [];
  const rejects: Reject[] = [];
  const batches = readRows(chunksOf(content, size), examination.reading);
  let next = await batches.next();
  for (; !next.done; next = await batches.next()) {
    rows.push(...next.value.rows);
    rejects.push(...next.value.rejects);
  }
  const cells = rows.map((row) => row.cells);
  return Object.assign(examination, { rows, cells, rejects, loaded: next.value });
}

export const examined = (content: Content, choices: Choices = {}, size = 65_536) =>
  examine(() => Promise.resolve(chunksOf(content, size)), 'data.csv', choices);

export async function* chunksOf(content: Content, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(content as string);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Returns each column as the text "name type format". */
export const columnsOf = ({ reading }: Examination) =>
  reading.columns.map(({ name, type, format }) => [name, type, format ?? ''].join(' ').trim());
