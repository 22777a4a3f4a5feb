// Says why people do not see a row in the app (for example because it is not active), until when they see it, and in
// which cities.
import { linksOf, type Entity, type Row } from '../catalog/entity.ts';
import { textOf } from '../catalog/fields.ts';
import { formatValue } from '../web/format.ts';
import { shorten } from '../web/shorten.ts';

/** A remark below a preview. `at`: a time that the page shows after the text; empty if there is none. */
export type Note = { text: string; at: string };

export function notesOf(row: Row, business: Row | null, now = Date.now()): Note[] {
  const [start, end] = [textOf(row['start']), textOf(row['end'])];
  const notes: Note[] = [];
  if (row['active'] === false) notes.push({ text: 'Not active: people do not see it', at: '' });
  if (business?.['active'] === false) notes.push({ text: 'Its business is not active', at: '' });
  if (end && Date.parse(end) <= now) notes.push({ text: 'Not shown any more: it ended', at: end });
  else {
    if (start && Date.parse(start) > now) notes.push({ text: 'Not shown before', at: start });
    if (end) notes.push({ text: 'Shown until', at: end });
  }
  return notes;
}

const LINKED = 5;

/**
 * Lists the cities and partners that a row is linked with in one line: `Pune (Metro Cabs), Mumbai`
 */
export function placesOf(entity: Entity, row: Row): string {
  const names = linksOf(entity).flatMap(({ field }) => {
    const definition = entity.fields[field];
    const text = definition ? formatValue(definition, row[field]) : '';
    return text === '' ? [] : text.split('\n');
  });
  const { shown, more } = shorten(names, LINKED);
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ');
}
