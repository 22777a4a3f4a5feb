// Plans what happens to the dependent rows of a row that is saved: some are added, some changed, some removed.
import { sealSecrets } from '../access/secret-fields.ts';
import { isSameValue } from '../catalog/content.ts';
import { titleOf, type Content, type Entity, type Row } from '../catalog/entity.ts';
import { lowerFirst } from '../catalog/lower-first.ts';
import { misfitsOf } from '../catalog/misfits.ts';
import type { Environment } from '../environments/environment.ts';
import { drawIds } from '../environments/ids.ts';
import { readBy } from '../rows/store.ts';
import { Invalid, NotFound } from '../problems.ts';
import { recordedState } from '../state/untouched.ts';
import type { Change } from '../writing/changes.ts';
import { check, withStoredNames } from './checks.ts';
import { deletion } from './deletions.ts';
import type { Findings } from './findings.ts';
import { tiedOrders, type Sibling } from './order.ts';
import { planSave, type Merged } from './planned-save.ts';

/** A dependent row in the form of its parent row. */
export type ChildEdit = {
  /** The prefix of the row’s inputs in the form. */
  ref: string;
  entity: Entity;
  /** Null for a row to add. */
  id: number | null;
  /** The version of the row that the form showed. */
  version: number;
  /** The typed content; null for a row to remove. */
  content: Content | null;
  /** Whether the user changed anything. */
  isTouched: boolean;
};

type Addition = { entity: Entity; content: Content };
type Plan = { changed: string[]; merged: Merged[]; changes: (parent: number) => Promise<Change[]> };

/**
 * Plans the dependent rows of the row with the id `parent`, or of a new row. Adds the errors of the dependent rows to
 * `found`.
 */
export async function planChildren(
  here: Environment,
  parent: number | null,
  edits: readonly ChildEdit[],
  found: Findings,
): Promise<Plan> {
  const changes: Change[] = [];
  const additions: Addition[] = [];
  const merged: Merged[] = [];
  for (const [entity, own] of Map.groupBy(edits, (edit) => edit.entity)) {
    const planned = await planSiblings(here, entity, parent, own, found);
    changes.push(...planned.flatMap((one) => one.changes));
    additions.push(...planned.flatMap((one) => one.additions));
    merged.push(...planned.flatMap((one) => one.merged ?? []));
  }
  const labels = [...changes, ...additions].map(({ entity }) => entity.label.many);
  return {
    changed: [...new Set(labels)],
    merged,
    changes: async (id) => [...changes, ...(await asChanges(here, id, additions))],
  };
}

/** What happens to one dependent row. `after`: its content after the save; null if the row does not exist then. */
type Planned = {
  changes: Change[];
  additions: Addition[];
  after: Content | null;
  merged?: Merged | null;
};

const unchanged = (after: Content | null): Planned => ({ changes: [], additions: [], after });

/** Plans the dependent rows of one entity, and checks that no two of them have the same order number. */
async function planSiblings(
  here: Environment,
  entity: Entity,
  parent: number | null,
  edits: readonly ChildEdit[],
  found: Findings,
): Promise<Planned[]> {
  const { order } = entity;
  const stored = await storedChildren(here, entity, parent);
  const others = new Map(stored);
  const siblings: Sibling[] = [];
  const plans: Planned[] = [];
  for (const edit of edits) {
    const before = stored.get(edit.id ?? 0);
    const planned = await found.collect(edit.ref, () => planOne(here, before, edit));
    if (!planned) continue;
    plans.push(planned);
    others.delete(edit.id ?? 0);
    const { after: content } = planned;
    const isNew = order !== null && !isSameValue(content?.[order], before?.[order]);
    if (content) siblings.push({ ref: edit.ref, content, isNew: isNew || !before });
  }
  siblings.push(...[...others.values()].map((content) => ({ ref: '', content })));
  for (const [ref, text] of tiedOrders(entity, siblings)) {
    found.add(ref, { [order ?? '']: text });
  }
  return plans;
}

async function planOne(
  here: Environment,
  before: Row | undefined,
  edit: ChildEdit,
): Promise<Planned> {
  if (edit.id === null) return planAddition(here, edit);
  if (!before) return refuseGone(edit);
  try {
    return await planKnown(here, before, edit);
  } catch (error) {
    // Another user removed the row after the rows were read.
    if (!(error instanceof NotFound)) throw error;
    return refuseGone(edit);
  }
}

async function planAddition(here: Environment, { entity, content }: ChildEdit): Promise<Planned> {
  if (!content) return unchanged(null);
  const named = await withStoredNames(here, entity, content);
  await check(here, entity, null, named, settledIn(entity));
  return { changes: [], additions: [{ entity, content: named }], after: named };
}

/** The fields of a dependent row that are not checked row by row: its parent, and its order number. */
const settledIn = ({ owner, order }: Entity): string[] =>
  [owner, order].filter((one) => one !== null);

async function storedChildren(here: Environment, entity: Entity, parent: number | null) {
  const rows = parent === null ? [] : await readBy(here, entity, entity.owner ?? '', [parent]);
  return new Map(rows.map((row) => [row.id, row]));
}

/**
 * Plans a dependent row that another user removed meanwhile. Nothing is done if this user did not change the row;
 * otherwise an error offers to add the row again.
 */
function refuseGone({ entity, isTouched, content }: ChildEdit): Planned {
  if (!isTouched || content === null) return unchanged(null);
  throw new Invalid({
    [entity.title]: `This ${lowerFirst(entity.label.one)} was removed here while you were editing. Save to add it again, or tick Remove`,
  });
}

async function planKnown(here: Environment, before: Row, edit: ChildEdit): Promise<Planned> {
  const { entity, content, version, isTouched } = edit;
  if (content === null) return planRemoval(here, before, edit);
  // Untouched rows need no plan. Skipping them saves queries, because a page can show 200 rows, most of them untouched.
  if (!isTouched && misfitsOf(before).length === 0) return unchanged(before);
  const target = { entity, id: before.id };
  const plan = await planSave(here, target, content, version, settledIn(entity));
  const changes = plan.change ? [plan.change] : [];
  return { ...unchanged(plan.after), changes, merged: plan.merged };
}

/** @throws Invalid when another user changed the row meanwhile, or other rows refer to it */
async function planRemoval(here: Environment, before: Row, edit: ChildEdit): Promise<Planned> {
  const { entity, version } = edit;
  const title = titleOf(entity, before);
  const state = await recordedState(here, { entity: entity.name, id: before.id }, before);
  if (state && state.version !== version) {
    throw new Invalid({
      [entity.title]: `${state.changed_by} changed “${title}” while you were editing. Look at it before you remove it`,
    });
  }
  const { usedBy, all } = await deletion(here, entity, before.id);
  if (usedBy.length > 0) {
    throw new Invalid({
      [entity.title]: `“${title}” is still used by ${usedBy.map((user) => `“${titleOf(user.entity, user.row)}”`).join(', ')}. Change those first`,
    });
  }
  const removed = all.map((one) => ({ entity: one.entity, before: one.row, after: null }));
  return { ...unchanged(null), changes: removed };
}

async function asChanges(
  here: Environment,
  parent: number,
  additions: readonly Addition[],
): Promise<Change[]> {
  const changes: Change[] = [];
  for (const { entity, content } of additions) {
    const id = await drawIds(here, entity.name);
    const sealed = await sealSecrets(here, entity, content, null);
    const after: Row = { ...sealed, [entity.owner ?? '']: parent, id, modified_at: '' };
    changes.push({ entity, before: null, after });
  }
  return changes;
}
