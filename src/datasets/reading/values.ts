// Converts cells to the values that are stored and returned: plain numbers, and dates and times in ISO format.
import type { Column } from './reading.ts';
import { shapeOf, shapes } from './shapes.ts';
import { kindOf, takes } from './types.ts';

/**
 * Converts a filled cell to a value: null for a word such as N/A, undefined if the cell does not
 * fit the column.
 */
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

function localTime(cell: string): string {
  return `${cell.slice(0, 10)}T${cell.slice(11, 16)}${cell.slice(16) || ':00'}`;
}

function inUtc(cell: string): string {
  if (cell.length >= 20 && cell[10] === 'T' && cell.endsWith('Z')) return cell;
  const zone = cell.endsWith('Z')
    ? cell.length - 1
    : Math.max(cell.indexOf('+'), cell.indexOf('-', 16));
  const seconds = cell.slice(16, zone) || ':00';
  const minutes =
    Number(cell.slice(11, 13)) * 60 + Number(cell.slice(14, 16)) - offsetOf(cell, zone);
  const days = Math.floor(minutes / MINUTES_A_DAY);
  const date = days === 0 ? cell.slice(0, 10) : daysLater(cell.slice(0, 10), days);
  const time = minutes - days * MINUTES_A_DAY;
  return `${date}T${two(Math.floor(time / 60))}:${two(time % 60)}${seconds}Z`;
}

const MINUTES_A_DAY = 1_440;
const two = (number: number) => (number < 10 ? `0${number}` : String(number));

/** Returns how many minutes the zone of a time is ahead of UTC. */
function offsetOf(cell: string, zone: number): number {
  if (cell[zone] === 'Z') return 0;
  const minutes =
    Number(cell.slice(zone + 1, zone + 3)) * 60 + Number(cell.slice(zone + 3).replace(':', ''));
  return cell[zone] === '-' ? -minutes : minutes;
}

function daysLater(date: string, days: number): string {
  const day = new Date(`${date}T00:00:00Z`);
  day.setUTCDate(day.getUTCDate() + days);
  return day.toISOString().slice(0, 10);
}

/**
 * Writes a row as a JSON array. Integers, reals and booleans are JSON numbers and booleans; all
 * other types are strings. `write` replaces JSON.stringify, for example to escape strings for SQL
 * as well.
 */
export const cellsAsJson = (
  columns: Column[],
  cells: (string | null)[],
  write: (text: string) => string = JSON.stringify,
): string => `[${cells.map((cell, index) => asJson(columns[index], cell, write)).join(',')}]`;

function asJson(
  column: Column | undefined,
  cell: string | null,
  write: (text: string) => string,
): string {
  if (cell === null) return 'null';
  const isItself =
    column?.type === 'integer' || column?.type === 'real' || column?.type === 'boolean';
  return isItself ? cell : write(cell);
}

export function cellsFromJson(json: string): (string | number | boolean | null)[] {
  return JSON.parse(json) as (string | number | boolean | null)[];
}
