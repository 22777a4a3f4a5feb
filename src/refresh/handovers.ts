// Some rows pass unique values, such as names, on to each other: for example, two forms have swapped their names in
// production. A refresh writes such rows together, even if it reads them in different parts.
import { isSameValue } from '../catalog/content.ts';
import { keyText, labelOf, type Entity, type Row } from '../catalog/entity.ts';
import { textOf } from '../catalog/fields.ts';
import { lowerFirst } from '../catalog/lower-first.ts';
import {
  spelledKey,
  spelledKeysOf,
  uniqueFieldsOf,
  uniqueKeysOf,
} from '../catalog/unique-values.ts';
import type { Databases, Environment } from '../environments/environment.ts';
import { read, rowsWithUniqueValue } from '../rows/store.ts';
import type { Change } from '../writing/changes.ts';
import { planRefresh, type PartPlan } from './plan-part.ts';

type Sides = { here: Environment; there: Databases | null; source: Environment };
type Written = Change & { after: Row };

/**
 * Completes the plan of one part of a refresh. A row of this part may need a unique value that another row still has.
 * If production has changed the value of that other row, the other row is added to the plan, even from another part. If
 * the other row keeps the value, the row of this part is skipped.
 */
export async function withHandovers(
  sides: Sides,
  entity: Entity,
  decided: PartPlan,
): Promise<PartPlan> {
  const own = new Set(decided.rows.map(({ id }) => id));
  const changes = new Map(written(decided.changes).map((change) => [change.after.id, change]));
  const holders = new Map<string, number>();
  const planned = new Set(own);
  for (let news = [...changes.values()]; news.length > 0;) {
    const others = new Set<number>();
    for (const { id, key } of await holdersHere(sides, entity, news)) {
      if (key !== null) holders.set(key, id);
      if (!planned.has(id)) others.add(id);
    }
    news = others.size > 0 ? await changesOf(sides, entity, [...others]) : [];
    for (const id of others) planned.add(id);
    for (const change of news) changes.set(change.after.id, change);
  }
  const skipped = [...decided.skipped];
  for (const { change, why } of withoutStuck(entity, changes, holders)) {
    if (own.has(change.after.id)) skipped.push({ row: change.before ?? change.after, why });
  }
  skipped.sort((one, other) => one.row.id - other.row.id);
  return { ...decided, changes: [...changes.values()], skipped };
}

const written = (changes: Change[]): Written[] =>
  changes.flatMap(({ after, ...change }) => (after ? { ...change, after } : []));

const changesOf = async (sides: Sides, entity: Entity, ids: number[]) => {
  const keys = ids.map((id) => ({ entity: entity.name, id }));
  const rows = [...(await read(sides.source, keys)).values()];
  return written((await planRefresh(sides, entity, rows)).changes);
};

/**
 * Finds the rows of this environment that still have a unique value (such as a name) which another, changed row needs.
 * `key`: this value; null if the found row spells it differently, such as in another case. A row with another spelling
 * does not block the changed row: production may have both spellings, from a time before the rule for unique names.
 */
async function holdersHere({ here }: Sides, entity: Entity, changes: Written[]) {
  const found: { id: number; key: string | null }[] = [];
  for (const field of uniqueFieldsOf(entity)) {
    const values = changes
      .filter(({ before, after }) => !before || !isSameValue(before[field], after[field]))
      .map(({ after }) => textOf(after[field]));
    for (const { id, value, isExact } of await rowsWithUniqueValue(here, entity, field, values)) {
      found.push({ id, key: isExact ? spelledKey(entity, field, value) : null });
    }
  }
  return found;
}

/**
 * Removes the changes that cannot be written because another row keeps the unique value that they need. Returns these
 * changes with the reason. Removing one change can make others impossible, too.
 */
function withoutStuck(
  entity: Entity,
  changes: Map<number, Written>,
  holders: Map<string, number>,
): { change: Written; why: string }[] {
  const stuck: { change: Written; why: string }[] = [];
  const takers = new Map(
    [...changes].flatMap(([id, { after }]) =>
      spelledKeysOf(entity, after).map((key) => [key, id] as const),
    ),
  );
  const keeps = (id: number, key: string) => {
    const change = changes.get(id);
    return !change || spelledKeysOf(entity, change.after).includes(key);
  };
  const waiting = [...changes.keys()];
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    const change = changes.get(id);
    const keys = change ? spelledKeysOf(entity, change.after) : [];
    const held = keys.find((key) => {
      const holder = holders.get(key);
      return holder !== undefined && holder !== id && keeps(holder, key);
    });
    if (change && held !== undefined) {
      changes.delete(id);
      const fields = uniqueFieldsOf(entity).map((field) => lowerFirst(labelOf(entity, field)));
      const holder = `${lowerFirst(entity.label.one)} ${holders.get(held)}`;
      stuck.push({ change, why: `its ${fields.join(' or ')} is that of ${holder} here` });
      // The row of this change is skipped and keeps its unique value. A change that needs this value is therefore
      // checked again.
      for (const key of spelledKeysOf(entity, change.before)) {
        const taker = takers.get(key);
        if (taker !== undefined) waiting.push(taker);
      }
    }
  }
  return stuck;
}

/**
 * Groups rows that pass unique values (such as names) on to each other. Each group is written or skipped as a whole.
 */
export function inGroups(changes: Change[]): Change[][] {
  const groups = new Map<string, Change[]>();
  for (const change of changes) {
    const joined = new Set(keysOf(change).flatMap((key) => [groups.get(key) ?? []]));
    const group = [...[...joined].flat(), change];
    for (const key of group.flatMap(keysOf)) groups.set(key, group);
  }
  return [...new Set(groups.values())];
}

const keysOf = ({ entity, before, after }: Change): string[] => [
  keyText({ entity: entity.name, id: ((after ?? before) as Row).id }),
  ...[before, after].flatMap((row) => [
    ...uniqueKeysOf(entity, row),
    ...spelledKeysOf(entity, row),
  ]),
];
