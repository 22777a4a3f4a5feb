// Cells as they are stored and given out: numbers plain, dates and times ISO.
import type { Column } from './reading.ts';
import { shapeOf, shapes } from './shapes.ts';
import { kindOf, takes } from './types.ts';

/** Gives the value of a filled cell; undefined when the cell does not fit the column. */
export type Convert = (cell: string) => string | null | undefined;

export function converterOf(column: Column): Convert {
  if (column.type === 'text') return (cell) => cell;
  const kind = kindOf(column.type, column.format);
  const write = writerOf(column);
  return (cell) => {
    const shape = shapeOf(cell);
    if (shape === shapes.nullWord) return null;
    return takes(kind, shape) ? write(cell) : undefined;
  };
}

function writerOf({ type, format }: Column): (cell: string) => string {
  switch (format ?? type) {
    case '1,234.5':
      return (cell) => cell.replaceAll(',', '');
    case '1.234,5':
      return (cell) => cell.replaceAll('.', '').replace(',', '.');
    case 'd/m/y':
      return (cell) => isoFrom(cell, 'day');
    case 'm/d/y':
      return (cell) => isoFrom(cell, 'month');
    case 'UTC':
      return inUtc;
    case 'local':
      return localTime;
    case 'boolean':
      return (cell) => cell.toLowerCase();
    case 'real':
      return (cell) => cell.replace(/^(-?)\./, '$10.');
    default:
      return (cell) => cell;
  }
}

function isoFrom(cell: string, first: 'day' | 'month'): string {
  const [one = '', other = '', year = ''] = cell.split(/[/.-]/);
  const [day, month] = first === 'day' ? [one, other] : [other, one];
  return `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
}

const isoTime = /^(.{10})[T ](\d\d:\d\d)(?::(\d\d)(\.\d+)?)?(?:(Z)|([+-]\d\d):?(\d\d)?)?$/;

function localTime(cell: string): string {
  if (cell.length >= 19 && cell[10] === 'T') return cell;
  const [, date, minutes, seconds = '00', fraction = ''] = isoTime.exec(cell) ?? [];
  return `${date}T${minutes}:${seconds}${fraction}`;
}

function inUtc(cell: string): string {
  if (cell.length >= 20 && cell[10] === 'T' && cell.endsWith('Z')) return cell;
  const [, date, minutes, seconds = '00', fraction = '', z, hours = '', more = '00'] =
    isoTime.exec(cell) ?? [];
  const zone = z ?? `${hours}:${more}`;
  const instant = new Date(`${date}T${minutes}:${seconds}${zone}`).toISOString();
  return `${instant.slice(0, 19)}${fraction}Z`;
}

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
