// Finds the row that a person means by the text in a picker (an input with suggestions). An ambiguous text is refused,
// not guessed, because a title may end like an id (`Seat upgrade #2002`).
import { titleOf, type Entity } from '../catalog/entity.ts';
import { pickerText } from '../catalog/shown-text.ts';
import { lowerFirst } from '../catalog/lower-first.ts';
import type { Databases } from '../environments/environment.ts';
import { cleanLine } from '../typed-text.ts';
import { find, readOne } from './store.ts';

export type Picked = { id: number } | { problem: string };

/**
 * Returns the row that a picker’s text means. The text is interpreted first as `<title> #<id>` of
 * one row, then as a title, then as an id alone.
 */
export async function pickedRow(here: Databases, entity: Entity, typed: string): Promise<Picked> {
  const text = cleanLine(typed);
  const end = /#?(\d{1,15})$/.exec(text);
  const id = Number(end?.[1] ?? 0);
  const title = text.slice(0, end?.index).trimEnd();
  const row = id === 0 ? undefined : await readOne(here, { entity: entity.name, id });
  if (row && cleanLine(pickerText(titleOf(entity, row), id)) === text) return { id };
  const titled = await rowsTitled(here, entity, text);
  const [only, another] = titled;
  const kind = lowerFirst(entity.label.one);
  if (another) {
    const some = titled.map((one) => `#${one.id}`).join(', ');
    return {
      problem: `“${text}” is the title of more than one ${kind}: ${some}. Choose one of them`,
    };
  }
  if (only) return { id: only.id };
  if (title === '' && id > 0) return { id };
  if (row && end?.[0].startsWith('#')) {
    return {
      problem: `“${title}” is not the title of ${kind} ${id}, which is “${titleOf(entity, row)}”. Choose one from the list`,
    };
  }
  return {
    problem: `There is no ${kind} “${text}”. Choose one from the list, or type its ID as #412`,
  };
}

async function rowsTitled(here: Databases, entity: Entity, title: string) {
  const { rows } = await find(here, entity, {
    search: '',
    filters: { [entity.title]: title },
    sort: { field: 'id', descending: false },
    limit: 100,
    offset: 0,
  });
  // A database may ignore case or accents, so found titles are compared exactly.
  return rows.filter((row) => cleanLine(titleOf(entity, row)) === title).slice(0, 5);
}
