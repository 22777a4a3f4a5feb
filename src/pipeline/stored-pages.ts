// Stores the pages of rows that a run has fetched as the API sent them, each as an object in the pipeline’s storage.
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { Problem } from '../problems.ts';
import type { Objects } from '../storage/objects.ts';
import { cellSchema, type Cell, type MeasuredColumn } from './measures.ts';

type OfRun = { number: number };

const pageSchema = z.object({
  headers: z.array(z.string()),
  values: z.array(z.array(cellSchema)),
  next: z.string().nullable(),
});

const keyOf = ({ number }: OfRun, page: number) => `pages/${number}/${page}.json`;

export type Page = { rows: Cell[][]; next: string | null };

/**
 * Parses a page of rows from the API.
 * @throws Problem when the page has other columns than the API listed at the beginning of the run
 */
export function parsePage(json: string, columns: MeasuredColumn[]): Page {
  const { headers, values, next } = pageSchema.parse(JSON.parse(json));
  const isOfRun =
    headers.length === columns.length &&
    headers.every((header, index) => header === columns[index]?.name) &&
    values.every((row) => row.length === columns.length);
  if (!isOfRun)
    throw new Problem(502, 'The API sent a page with other columns than the structure.');
  return { rows: values, next };
}

export const store = (objects: Objects, run: OfRun, page: number, json: string) =>
  objects.put(keyOf(run, page), Buffer.from(json));

export const load = async (objects: Objects, run: OfRun, page: number): Promise<string> =>
  text(await objects.read(keyOf(run, page)));

/** Deletes all pages that a run has fetched and stored. */
export async function removeAll(objects: Objects, { number }: OfRun) {
  for await (const { key } of objects.list(`pages/${number}/`)) await objects.delete(key);
}
