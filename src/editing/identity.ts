// Gives a new id to a row that shares its id with an unrelated row elsewhere, and updates every reference to
// it in both databases.
import {
  fieldEntries,
  isDocument,
  keyText,
  type Entity,
  type Row,
  type RowKey,
} from '../catalog/entity.ts';
import { textOf } from '../catalog/fields.ts';
import { drawIds } from '../environments/ids.ts';
import { readOne } from '../rows/store.ts';
import { referencingRows } from '../rows/references.ts';
import { writeHere, type Change, type WriteContext } from '../writing/write-here.ts';
import type { Author } from '../state/row-state.ts';
import { NotFound, Unavailable } from '../problems.ts';

/** Answers the new key. @throws NotFound when the row is not here */
export async function giveNewId(
  home: WriteContext,
  author: Author,
  entity: Entity,
  id: number,
): Promise<RowKey> {
  const { here } = home;
  const old = { entity: entity.name, id };
  const found = await readOne(here, old);
  if (!found) throw new NotFound(`${entity.label.one} ${id} is not here any more.`);
  const row = await withoutUniqueNames(home, author, entity, found);
  const next = await drawIds(here, entity.name);
  const users = new Map<string, Change & { before: Row; after: Row }>();
  for (const { referrer: user } of await referencingRows(here, [old], { under: true })) {
    const text = keyText({ entity: user.entity.name, id: user.row.id });
    const change = users.get(text) ?? { entity: user.entity, before: user.row, after: user.row };
    users.set(text, { ...change, after: { ...change.after, [user.field]: next } });
  }
  const changes: Change[] = [
    { entity, before: null, after: { ...found, id: next }, formerId: id },
    ...users.values(),
    { entity, before: row, after: null },
  ];
  try {
    await writeHere(home, author, changes, {
      name: `${textOf(found[entity.title])} under a new ID`,
    });
  } catch (error) {
    // Recovery completes a write whose outcome is unknown.
    const isOver = !(error instanceof Unavailable);
    if (row !== found && isOver)
      await writeHere(home, author, [{ entity, before: row, after: found }]);
    throw error;
  }
  return { entity: entity.name, id: next };
}

/** The old document is removed after the new one is inserted, so unique names are freed first. */
async function withoutUniqueNames(home: WriteContext, author: Author, entity: Entity, row: Row) {
  const unique = fieldEntries(entity).filter(([, field]) => field.unique);
  if (!isDocument(entity) || unique.length === 0) return row;
  const freed = { ...row };
  for (const [name] of unique) freed[name] = `${textOf(row[name]).slice(0, 50)} (ID ${row.id})`;
  await writeHere(home, author, [{ entity, before: row, after: freed }]);
  return freed;
}
