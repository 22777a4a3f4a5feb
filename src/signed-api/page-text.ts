// Writes the JSON of one page of a dataset, which is one response of the signed API. The stored bytes of the cells are
// joined unchanged, so no number is reformatted and no text is decoded and encoded again.

export const orientations = ['tabular', 'records'] as const;
export type Orientation = (typeof orientations)[number];

type Page = { headers: string[]; chunks: Buffer[]; next: string | null };

const SEPARATOR = Buffer.from(',\n');

export const pageText: Record<Orientation, (page: Page) => Buffer> = {
  tabular: ({ headers, chunks, next }) =>
    Buffer.concat([
      Buffer.from(`{"headers":${JSON.stringify(headers)},"values":[`),
      ...chunks.flatMap((rows, index) => (index === 0 ? [rows] : [SEPARATOR, rows])),
      Buffer.from(`],"next":${JSON.stringify(next)}}`),
    ]),
  records: ({ headers, chunks, next }) => {
    const keys = headers.map((header) => `${JSON.stringify(header)}:`);
    const record = (row: Buffer) => {
      const own = splitCells(row.toString());
      return `{${keys.map((key, index) => key + (own[index] ?? 'null')).join(',')}}`;
    };
    return Buffer.from(
      `{"results":[${chunks.map(record).join(',\n')}],"next":${JSON.stringify(next)}}`,
    );
  },
};

/** Splits a JSON array of strings, numbers, booleans and nulls into the JSON of each element. */
function splitCells(array: string): string[] {
  const cells: string[] = [];
  const last = array.lastIndexOf(']');
  let at = 1;
  while (at < last) {
    if (array[at] === ' ') {
      at += 1;
      continue;
    }
    const comma = array.indexOf(',', array[at] === '"' ? endOfText(array, at) : at);
    const end = comma === -1 ? last : comma;
    cells.push(array.slice(at, end));
    at = end + 1;
  }
  return cells;
}

/**
 * Returns the index after a JSON string that begins at `start`: after the first quote that no
 * backslash escapes.
 */
function endOfText(array: string, start: number): number {
  for (let end = array.indexOf('"', start + 1); end >= 0; end = array.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (array[end - 1 - backslashes] === '\\') backslashes += 1;
    if (backslashes % 2 === 0) return end + 1;
  }
  throw new Error('The cells of a row are not whole');
}
