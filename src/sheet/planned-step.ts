// One row of a plan, before and after the transfer.
import { createHash } from 'node:crypto';
import { canonical, hashOf } from '../catalog/content.ts';
import { keyText, type Row, type RowKey } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { AS_BEFORE, markOfHash } from '../writing/former-base.ts';
import type { Step } from '../writing/journal.ts';
import type { RowPair } from '../comparison/compare-pairs.ts';
import type { Facts } from './facts.ts';

export type PlannedStep = Step & { pair: RowPair | null; root: RowKey };

/**
 * Returns the key of a row’s topmost parent row, below which the sheet lists the row; the key of the row itself if it
 * has no parent.
 */
export function rootKeyOf(facts: Facts, { entity, here, there, key }: RowPair): RowKey {
  const owner = entity.owner ? (here ?? there)?.[entity.owner] : undefined;
  const to = entity.owner ? entity.fields[entity.owner]?.to : undefined;
  return typeof owner === 'number' && to && facts.pairs.has(keyText({ entity: to, id: owner }))
    ? { entity: to, id: owner }
    : key;
}

/** Returns what the step of a row keeps of the row’s base; null if the row has no base. */
export function formerBaseOf({
  entity,
  thereHash,
  destinationState,
  base,
}: RowPair): string | null {
  const hash = destinationState?.base_hash ?? null;
  if (hash === null) return null;
  // If nobody has the content, a takeover does not know its hash with the names of this environment.
  if (base === null) return markOfHash(hash);
  return hash === thereHash ? AS_BEFORE : canonical(entity, base);
}

export function hashOfPlan(facts: Facts, steps: PlannedStep[]): string {
  const sides = steps.map(({ entity, id, action, before, after }) => {
    const side = (row: Row | null) => (row === null ? '-' : hashOf(entityNamed(entity), row));
    return [entity, id, action, side(before), side(after)];
  });
  return createHash('sha256')
    .update(JSON.stringify([facts.from, facts.to, sides]))
    .digest('hex');
}
