const ROWS = 500;
const BYTES = 1_000_000;

/** Cuts a set into statements' worth: by bytes too, because max_allowed_packet bounds a statement. */
export function batches<T>(items: T[]): T[][] {
  const all: T[][] = [];
  let bytes = 0;
  for (const item of items) {
    const size = JSON.stringify(item).length * 3;
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
