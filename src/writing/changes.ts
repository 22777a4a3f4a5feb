// The type of a change to a row of this environment, and functions that turn changes into a transfer: its record in
// Oneway’s journal of writes, and its steps.
import { v7 as uuid } from 'uuid';
import { isSameValue } from '../catalog/content.ts';
import {
  keyText,
  linkedNamesOf,
  linksOf,
  referencesOf,
  titleOf,
  type Entity,
  type Row,
  type RowKey,
} from '../catalog/entity.ts';
import { misfitsOf, misfitText } from '../catalog/misfits.ts';
import type { Environment } from '../environments/environment.ts';
import { Conflict } from '../problems.ts';
import { idsOfLinked } from '../rows/names.ts';
import type { Author } from '../state/row-state.ts';
import type * as journal from './journal.ts';
import type { Turn } from './turns.ts';

export type WriteContext = {
  here: Environment;
  lease: number;
  /** Called with the rows that the database stored differently. */
  onStoredDifferently?: (steps: journal.WrittenStep[]) => void;
  /** Lets several journaled writes of the caller take turns at the destination. */
  turn?: Turn;
};

export type Change = {
  entity: Entity;
  before: Row | null;
  after: Row | null;
  /** The former id of a row that got a new id. */
  formerId?: number;
};

export type WriteOptions = {
  key?: string;
  kind?: journal.TransferKind;
  name?: string;
};

export const draftOf = (
  author: Author,
  steps: journal.Step[],
  relied: RowKey[],
  { key = uuid(), kind = 'save', name }: WriteOptions,
): journal.Draft => ({
  kind,
  name: name ?? steps[0]?.title ?? '',
  reason: null,
  person: author.email,
  role: author.isProductManager ? 'product_manager' : 'editor',
  idempotencyKey: key,
  planHash: ''.padEnd(64, '0'),
  chain: [],
  undoes: null,
  selection: null,
  reliedOn: relied,
  steps,
});

/**
 * Turns a change into a step to write.
 * @throws Conflict when the row has an invalid stored value, which was left out when the row was read, so that writing
 * the row would lose it
 */
export function asStep({ entity, before, after, formerId }: Change): journal.Step {
  const row = (after ?? before) as Row;
  if (misfitsOf(after).length > 0) {
    throw new Conflict(
      `${misfitText(entity, row)}. Open it and save it with values that fit first.`,
    );
  }
  return {
    entity: entity.name,
    id: row.id,
    title: titleOf(entity, row),
    action: before === null ? 'create' : after === null ? 'remove' : 'update',
    because: null,
    before,
    after,
    excludedFields: [],
    formerId: formerId ?? null,
  };
}

/**
 * The keys of the referenced and linked rows that must exist while these changes are written. References that stay
 * the same are not checked: another program may have removed such a row long before.
 */
export async function reliedOn(here: Environment, changes: Change[]): Promise<RowKey[]> {
  const keys = new Map<string, RowKey>();
  for (const { entity, before, after } of changes) {
    for (const { field, to } of after ? referencesOf(entity) : []) {
      const id = after?.[field];
      const isNew = id !== before?.[field];
      if (typeof id === 'number' && isNew)
        keys.set(keyText({ entity: to, id }), { entity: to, id });
    }
  }
  const linked = changes.flatMap(({ entity, before, after }) =>
    isRelinked(entity, before, after) ? linkedNamesOf(entity, after) : [],
  );
  for (const [entity, ids] of await idsOfLinked(here.sql, linked)) {
    for (const [id] of ids.values()) {
      if (id !== undefined) keys.set(keyText({ entity, id }), { entity, id });
    }
  }
  for (const { entity, before, after } of changes) {
    keys.delete(keyText({ entity: entity.name, id: ((after ?? before) as Row).id }));
  }
  return [...keys.values()];
}

const isRelinked = (entity: Entity, before: Row | null, after: Row | null) =>
  linksOf(entity).some(({ field }) => !isSameValue(before?.[field], after?.[field]));
