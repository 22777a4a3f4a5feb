// Plans what happens to the dependent rows of a row that is saved: some are added, some changed, some removed.
import { sealSecrets } from '../access/secret-fields.ts';
import { isSameValue } from '../catalog/content.ts';
import { keyText, titleOf, type Content, type Entity, type Row } from '../catalog/entity.ts';
import { lowerFirst } from '../catalog/lower-first.ts';
import type { Environment } from '../environments/environment.ts';
import { drawIds } from '../environments/ids.ts';
import { readBy } from '../rows/store.ts';
import { Invalid, NotFound } from '../problems.ts';
import { recordedState } from '../state/untouched.ts';
import type { Change } from '../writing/changes.ts';
import { check, withStoredNames } from './checks.ts';
import { deletion } from './deletions.ts';
import type { Findings } from './findings.ts';
import { tiedOrders } from './order.ts';
import { planSave } from './planned-save.ts';

/** A dependent row in the form of its parent row. */
export type ChildEdit = {
  /** The prefix of the row’s inputs in the form. */
  ref: string;
  entity: Entity;
  /** Null for a row to add. */
  id: number | null;
  /** The version at which the form showed the row. */
  version: number;
  /** The typed content; null for a row to remove. */
  content: Content | null;
  /** Whether the user changed anything. */
  isTouched: boolean;
};

type Plan = { changed: string[]; changes: (parent: number) => Promise<Change[]> };

/**
 * Plans the dependent rows of the row with the id `parent`, or of a new row. What is wrong with them goes to `found`.
 */
export async function planChildren(
  here: Environment,
  parent: number | null,
  edits: readonly ChildEdit[],
  found: Findings,
): Promise<Plan> {
  const changes: Change[] = [];
  const additions: { entity: Entity; content: Content }[] = [];
  for (const [entity, own] of Map.groupBy(edits, (edit) => edit.entity)) {
    const stored = await storedChildren(here, entity, parent);
    const final = new Map<string, Content>([...stored].map(([id, row]) => [`#${id}`, row]));
    const placed = new Map<string, string>();
    for (const edit of own) {
      const before = edit.id === null ? undefined : stored.get(edit.id);
      await found.collect(edit.ref, async () => {
        if (edit.id === null && edit.content) {
          const content = await withStoredNames(here, entity, edit.content);
          await check(here, entity, null, content, settledIn(entity));
          additions.push({ entity, content });
          final.set(edit.ref, content);
          placed.set(edit.ref, edit.ref);
        } else if (edit.id !== null) {
          if (!before) return refuseGone(edit);
          const planned = await planKnown(here, before, edit);
          changes.push(...planned.changes);
          if (planned.after) final.set(`#${edit.id}`, planned.after);
          else final.delete(`#${edit.id}`);
          const { order } = entity;
          if (order && planned.after && !isSameValue(planned.after[order], before[order])) {
            placed.set(`#${edit.id}`, edit.ref);
          }
        }
      });
    }
    const siblings = [...final].map(([ref, content]) => ({ ref, content, isNew: placed.has(ref) }));
    for (const [ref, text] of tiedOrders(entity, siblings)) {
      found.add(placed.get(ref) ?? '', { [entity.order ?? '']: text });
    }
  }
  const labels = [...changes, ...additions].map(({ entity }) => entity.label.many);
  return {
    changed: [...new Set(labels)],
    changes: async (id) => [...changes, ...(await asChanges(here, id, additions))],
  };
}

/** The fields of a dependent row that are not checked one by one: its parent, and its order. */
const settledIn = ({ owner, order }: Entity): string[] =>
  [owner, order].filter((one) => one !== null);

async function storedChildren(here: Environment, entity: Entity, parent: number | null) {
  const rows = parent === null ? [] : await readBy(here, entity, entity.owner ?? '', [parent]);
  return new Map(rows.map((row) => [row.id, row]));
}

/** A row that is gone and was not touched needs nothing; a touched one is offered as a new row. */
function refuseGone({ entity, isTouched, content }: ChildEdit) {
  if (!isTouched || content === null) return;
  throw new Invalid({
    [entity.title]: `This ${lowerFirst(entity.label.one)} was removed here while you were editing. Save to add it again, or tick Remove`,
  });
}

type Known = { changes: Change[]; after: Content | null };

async function planKnown(here: Environment, before: Row, edit: ChildEdit): Promise<Known> {
  const { entity, content, version } = edit;
  if (content === null) return planRemoval(here, before, edit);
  try {
    const target = { entity, id: before.id };
    const plan = await planSave(here, target, content, version, settledIn(entity));
    return { changes: plan.change ? [plan.change] : [], after: plan.after };
  } catch (error) {
    if (!(error instanceof NotFound)) throw error;
    refuseGone(edit);
    return { changes: [], after: null };
  }
}

/** @throws Invalid when another user changed the row meanwhile, or other rows refer to it */
async function planRemoval(here: Environment, before: Row, edit: ChildEdit): Promise<Known> {
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
      [entity.title]: `“${title}” is still used by ${usedBy.map(({ entity: user, row }) => keyText({ entity: user.name, id: row.id })).join(', ')}. Change those first`,
    });
  }
  const removed = all.map((one) => ({ entity: one.entity, before: one.row, after: null }));
  return { changes: removed, after: null };
}

async function asChanges(
  here: Environment,
  parent: number,
  additions: readonly { entity: Entity; content: Content }[],
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
