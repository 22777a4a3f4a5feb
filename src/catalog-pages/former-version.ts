// Fills the form of a row with an earlier version of the row and its dependent rows. Nothing is stored until the user
// saves.
import {
  fieldEntries,
  keyText,
  type Content,
  type Entity,
  type Row,
  type RowKey,
} from '../catalog/entity.ts';
import { dependentsOf } from '../catalog/family.ts';
import { isSecret } from '../catalog/secret.ts';
import { entityNamed } from '../catalog/index.ts';
import type { Environment } from '../environments/environment.ts';
import { NotFound } from '../problems.ts';
import { readBy } from '../rows/store.ts';
import { firstReplacements, rowAtMoment, type Replacement } from '../state/history.ts';
import { exactly, plural } from '../web/format.ts';
import { newChild } from './arrange.ts';
import { areTooMany, childrenShown } from './child-rows.ts';
import type { Typed } from './form-page.ts';
import type { ShownChild } from './typed-family.ts';

/**
 * Returns the form of a row with the values that it had after the history entry `arrival`. Dependent rows that did not
 * exist then are marked as removed, and dependent rows that were removed since are added again. If an entity would get
 * more dependent rows than a form can have, its present dependent rows are kept.
 * @throws NotFound when the row did not exist then
 */
export async function formerVersion(
  here: Environment,
  entity: Entity,
  row: Row,
  arrival: number,
): Promise<Typed> {
  const lines = await rowAtMoment(here, { entity: entity.name, id: row.id }, arrival);
  const [own] = lines.filter((line) => line.entity === entity.name && line.row_id === row.id);
  if (!own?.after) throw new NotFound('There is no such version of this row.');
  const stored = [];
  for (const child of dependentsOf(entity)) {
    const rows = await readBy(here, child, child.owner ?? '', [row.id]);
    stored.push({ entity: child, rows: rows.map((one) => ({ own: one })) });
  }
  const dependents = lines.filter((line) => line !== own && belongedTo(row.id, line));
  const left = stored.filter(({ entity: child, rows }) => {
    const then = dependents.filter((line) => line.entity === child.name);
    const ids = [...rows.map((one) => one.own.id), ...then.map((line) => line.row_id)];
    return areTooMany([...new Set(ids)]);
  });
  const isLeft = (name: string) => left.some((one) => one.entity.name === name);
  const present = await childrenShown(here, entity, stored, null);
  const notes = left.map(
    (one) => ` Its ${plural(one.rows.length, one.entity.label)} stay as they are.`,
  );
  const children = present.filter((child) => !isLeft(child.entity.name));
  const first = await firstReplacements(here, children.map(keyOf));
  // Some rows were changed for the first time only after this version. At the time of the version, such a row had the
  // content that its first change replaced.
  const older = [...first.values()]
    .filter(({ id }) => id > arrival)
    .map((line) => ({ ...line, after: line.before }))
    .filter((line) => belongedTo(row.id, line));
  return {
    content: contentThen(entity, own.after, row),
    children: childrenThen(
      // Rows that only other programs wrote have no history, so the form does not change them.
      children.filter((child) => first.has(keyText(keyOf(child)))),
      [...older, ...dependents.filter((line) => !isLeft(line.entity))],
    ),
    isUnsaved: true,
    versionNote: `Version ${own.version}, of ${exactly(own.at)}. Nothing is stored until you save it.${notes.join('')}`,
    errors: {},
  };
}

/** The values of a version. Secrets, and fields that the version did not have yet, keep their present values. */
const contentThen = (entity: Entity, then: Row, now: Content): Content =>
  Object.fromEntries(
    fieldEntries(entity).map(([name, field]) => [
      name,
      (isSecret(field) || !(name in then) ? now[name] : then[name]) ?? null,
    ]),
  );

const keyOf = ({ entity, id }: ShownChild): RowKey => ({ entity: entity.name, id: id ?? 0 });

const belongedTo = (parent: number, { entity, after }: Replacement): boolean =>
  after?.[entityNamed(entity).owner ?? ''] === parent;

function childrenThen(present: ShownChild[], lines: Replacement[]): ShownChild[] {
  const rowsThen = new Map(
    lines.flatMap(({ entity, row_id: id, after }) =>
      after ? [[keyText({ entity, id }), { entity: entityNamed(entity), after }]] : [],
    ),
  );
  const children = present.map((child): ShownChild => {
    const key = keyText(keyOf(child));
    const then = rowsThen.get(key)?.after;
    rowsThen.delete(key);
    const opened = child.content;
    if (!then) return { ...child, opened, isRemoved: true };
    return { ...child, opened, content: contentThen(child.entity, then, opened) };
  });
  for (const { entity, after } of rowsThen.values()) {
    const added = newChild(entity, children, contentThen(entity, after, {}));
    const order = entity.order ? { [entity.order]: after[entity.order] ?? null } : {};
    children.push({ ...added, content: { ...added.content, ...order } });
  }
  return children;
}
