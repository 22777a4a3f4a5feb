// Cells as they are stored and given out.
import type { Column } from './reading.ts';

/** The JSON array of a row: integer, real and boolean are themselves, all others strings. */
export function cellsAsJson(columns: Column[], cells: (string | null)[]): string {
  return `[${cells.map((cell, index) => asJson(columns[index], cell)).join(',')}]`;
}

function asJson(column: Column | undefined, cell: string | null): string {
  if (cell === null) return 'null';
  const isItself =
    column?.type === 'integer' || column?.type === 'real' || column?.type === 'boolean';
  return isItself ? cell : JSON.stringify(cell);
}

export function cellsFromJson(json: string): (string | number | boolean | null)[] {
  return JSON.parse(json) as (string | number | boolean | null)[];
}
