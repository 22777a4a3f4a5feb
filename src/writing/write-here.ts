// Writes into this environment itself: saves, deletions and refreshes.
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
import { idsOfLinked } from '../rows/names.ts';
import type { Environment } from '../environments/environment.ts';
import { isTransient } from '../database/transient-errors.ts';
import { isUnwilling } from '../database/unwillingness.ts';
import { Conflict, Unavailable } from '../problems.ts';
import * as journal from './journal.ts';
import type { Author } from '../state/row-state.ts';
import { runTransfer, isOutcomeUnknown } from './run-transfer.ts';

export type WriteContext = {
  here: Environment;
  lease: number;
  /** Called with the steps whose rows the database stored differently than sent. */
  onStoredDifferently?: (steps: journal.WrittenStep[]) => void;
};

export type Change = {
  entity: Entity;
  before: Row | null;
  after: Row | null;
  /** The row’s former id, if the row got a new one. */
  formerId?: number;
};

export type WriteOptions = {
  key?: string;
  kind?: journal.TransferKind;
  name?: string;
};

/**
 * Writes changes as one transfer into this environment.
 * @throws Conflict when a row has changed, Unavailable when the outcome is unknown or a person must decide
 */
export async function writeHere(
  { here, lease, onStoredDifferently }: WriteContext,
  author: Author,
  changes: Change[],
  naming: WriteOptions = {},
): Promise<{ transfer: journal.Transfer; isNew: boolean }> {
  const relied = await reliedOn(here, changes);
  const draft = draftOf(author, changes.map(asStep), relied, naming);
  let isKept = false;
  try {
    const opened = await journal.open(here, here, lease, draft);
    if (!opened.isNew) return opened;
    isKept = true;
    const ended = await runTransfer(here, here, opened.transfer, lease);
    if (ended.state === 'verified') {
      const differing = await journal.storedDifferently(here.sql, ended.id);
      if (differing.length > 0) onStoredDifferently?.(differing);
      return opened;
    }
    const line = await journal.byId(here.sql, ended.id);
    const why = line?.problem ?? '';
    throw ended.state === 'needs_attention'
      ? new Unavailable(`It could not be finished, and an engineer has to decide. ${why}`)
      : new Conflict(`Nothing was saved. ${why}`, line?.problem_reason);
  } catch (error) {
    // A server that refuses a write has executed nothing of it. A server that stops answering may
    // have executed the write.
    const isCertain = !isKept && isUnwilling(error) && !isTransient(error);
    if (!isOutcomeUnknown(error) || isCertain) throw error;
    throw new Unavailable(
      isKept
        ? 'A database does not answer. Your save is queued and will complete when the database responds.'
        : 'A database does not answer, and whether this was saved is not certain. Look at the row in a moment before you save it again.',
    );
  }
}

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
 * @throws Conflict when the row has an invalid stored value: reading left this value out, so
 * writing the row would lose it
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
 * Returns the keys of the referenced and linked rows that must exist while these changes are
 * written. References that stay the same are not checked, because another program may have removed
 * their rows long before.
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
