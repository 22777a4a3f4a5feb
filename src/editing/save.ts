// Adds and saves rows with their dependent rows, in environments where editing is allowed.
import { v7 as uuid } from 'uuid';
import { sealSecrets } from '../access/secret-fields.ts';
import { differingFields } from '../catalog/content.ts';
import type { Content, Entity, Row } from '../catalog/entity.ts';
import { drawIds } from '../environments/ids.ts';
import type { Environment } from '../environments/environment.ts';
import { Conflict, Invalid, Unavailable } from '../problems.ts';
import { check, withStoredNames } from './checks.ts';
import { addedBy } from '../state/history.ts';
import * as journal from '../writing/journal.ts';
import type { WriteContext } from '../writing/changes.ts';
import { writeHere } from '../writing/write-here.ts';
import type { Author } from '../state/row-state.ts';
import { Findings } from './findings.ts';
import { planChildren, type ChildEdit } from './children.ts';
import { planSave, type Merged } from './planned-save.ts';

/** The error when a form that added rows is posted a second time with other rows to add. */
export class AddedBefore extends Invalid {
  readonly id: number;

  constructor(id: number) {
    super({ idempotency_key: 'This form was sent before with other values.' });
    this.id = id;
  }
}

/**
 * Adds a row with its dependent rows and returns its id. When the same form is posted twice, the
 * second post adds nothing and returns the same id.
 * @throws Invalid when a value is invalid, or the form was already posted with other values
 */
export async function add(
  home: WriteContext,
  author: Author,
  entity: Entity,
  typed: Content,
  key: string = uuid(),
  children: readonly ChildEdit[] = [],
): Promise<number> {
  const { here } = home;
  const content = await withStoredNames(here, entity, typed);
  const twin = await journal.byKey(here.sql, author.email, key);
  if (twin) return sameAdd(here, twin, entity, content, children);
  const found = new Findings();
  await found.collect('', () => check(here, entity, null, content));
  const plan = await planChildren(here, null, children, found);
  found.refuse();
  const id = await drawIds(here, entity.name);
  const sealed = await sealSecrets(here, entity, content, null);
  const after: Row = { ...sealed, id, modified_at: '' };
  const changes = [{ entity, before: null, after }, ...(await plan.changes(id))];
  const written = await writeHere(home, author, changes, { key });
  return written.isNew ? id : sameAdd(here, written.transfer, entity, content, children);
}

/**
 * Returns the rows that an earlier post of the same form added; waits for that post when it is
 * still running.
 */
async function addedByTwin(here: Environment, twin: journal.Transfer) {
  const ended = await journal.waitUntilEnded(here, twin.id);
  if (!journal.overStates.includes(ended.state)) {
    throw new Unavailable(
      'This form was already sent and is in progress. Check the list in a moment.',
    );
  }
  if (ended.state !== 'verified') {
    throw new Conflict(
      `This was sent before and not saved. ${ended.problem ?? ''}`,
      ended.problem_reason,
    );
  }
  return addedBy(here, twin.id);
}

/** Returns the id of the row that an earlier post of the same form added. */
async function sameAdd(
  here: Environment,
  twin: journal.Transfer,
  entity: Entity,
  content: Content,
  children: readonly ChildEdit[],
) {
  const [own, ...others] = await addedByTwin(here, twin);
  const wanted = own && (await sealSecrets(here, entity, content, own.row));
  const isSame = own && differingFields(entity, own.row, wanted ?? {}).length === 0;
  if (!isSame || !(await areSame(here, others, children))) throw new AddedBefore(own?.row.id ?? 0);
  return own.row.id;
}

/** Whether this post adds the same dependent rows as the earlier post of the same form. */
async function areSame(
  here: Environment,
  added: { entity: string; row: Row }[],
  children: readonly ChildEdit[],
): Promise<boolean> {
  const wanted = children.flatMap(({ entity, id, content }) =>
    id === null && content ? [{ entity, content }] : [],
  );
  if (added.length !== wanted.length) return false;
  for (const [index, { entity, content }] of wanted.entries()) {
    const twin = added[index];
    if (twin?.entity !== entity.name) return false;
    // The typed content has no parent id, because the parent row was new when the form was posted. For the comparison,
    // the content gets the parent id that the earlier post stored.
    const named = await withStoredNames(here, entity, content);
    const owned = { ...named, [entity.owner ?? '']: twin.row[entity.owner ?? ''] ?? null };
    const sealed = await sealSecrets(here, entity, owned, twin.row);
    if (differingFields(entity, twin.row, sealed).length > 0) return false;
  }
  return true;
}

/**
 * Saves a row with its dependent rows, in one write. `version`: the version of the row when the user opened the form. A
 * field that only another user changed since then keeps that change, and `onMerged` gets these fields. If the same form is posted twice, the second post
 * adds no dependent row again. Returns the labels of the changed fields and dependent entities.
 * @throws EditConflict when this user and another one changed the same field of a row
 * @throws AddedBefore when the form was already posted with other rows to add
 */
export async function save(
  home: WriteContext,
  author: Author,
  { entity, id }: { entity: Entity; id: number },
  typed: Content,
  version: number,
  {
    key = uuid(),
    children = [],
    onMerged = () => {},
  }: {
    key?: string;
    children?: readonly ChildEdit[];
    onMerged?: (merged: Merged[]) => void;
  } = {},
): Promise<string[]> {
  const { here } = home;
  const known = children.filter((one) => one.id !== null);
  const isAdding = known.length < children.length;
  const twin = isAdding ? await journal.byKey(here.sql, author.email, key) : null;
  if (twin && !(await areSame(here, await addedByTwin(here, twin), children))) {
    throw new AddedBefore(id);
  }
  const found = new Findings();
  const own = await found.collect('', () => planSave(here, { entity, id }, typed, version));
  const plan = await planChildren(here, id, twin ? known : children, found);
  found.refuse();
  const changes = [...(own?.change ? [own.change] : []), ...(await plan.changes(id))];
  const changed = [...(own?.changed ?? []), ...plan.changed];
  onMerged([...(own?.merged ? [own.merged] : []), ...plan.merged]);
  if (changes.length === 0) return changed;
  const written = await writeHere(home, author, changes, isAdding && !twin ? { key } : {});
  if (written.isNew) return changed;
  return save(home, author, { entity, id }, typed, version, { key, children, onMerged });
}
