const ROWS = 500;
const BYTES = 1_000_000;

/** Cuts a set into statements' worth: by bytes too, because max_allowed_packet bounds a statement. */
export function batches<T>(items: T[]): T[][] {
  const all: T[][] = [];
  let bytes = 0;
  for (const item of items) {
    const size = sizeOf(item);
    const last = all.at(-1);
    if (last && last.length < ROWS && bytes + size < BYTES) {
      last.push(item);
      bytes += size;
    } else {
      all.push([item]);
      bytes = size;
    }
  }
  return all;
}

/** At most as many bytes as its text takes: three for a character, and some for a number and its comma. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length * 3 + 8;
  if (typeof value !== 'object' || value === null) return 24;
  return Object.values(value).reduce((bytes: number, one) => bytes + sizeOf(one), 32);
}
