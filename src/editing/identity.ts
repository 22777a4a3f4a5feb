// Gives a row a new id, for when an unrelated row of another environment has the same id. Every reference to the row,
// in MySQL and in MongoDB, is changed to the new id.
import { keyText, type Entity, type Row, type RowKey } from '../catalog/entity.ts';
import { textOf } from '../catalog/fields.ts';
import { drawIds } from '../environments/ids.ts';
import { readOne } from '../rows/store.ts';
import { referencingRows } from '../rows/references.ts';
import type { Change, WriteContext } from '../writing/changes.ts';
import { writeHere } from '../writing/write-here.ts';
import type { Author } from '../state/row-state.ts';
import { NotFound } from '../problems.ts';

/**
 * Gives a row a new id; returns its new key.
 * @throws NotFound when no row has this id
 */
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
    { entity, before: found, after: null },
  ];
  await writeHere(home, author, changes, {
    name: `${textOf(found[entity.title])} under a new ID`,
  });
  return { entity: entity.name, id: next };
}
