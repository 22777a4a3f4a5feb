// The bases to record after a write into this environment that took rows over from the destination, or undid that.
import type { PoolConnection } from 'mysql2/promise';
import { contentFrom, hashOf } from '../catalog/content.ts';
import { keyText, type Row } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import {
  readDestinationStates,
  type DestinationState,
  type Observation,
} from '../state/destination-state.ts';
import { readMappings, withMappedNames, type Mappings } from '../state/name-mapping.ts';
import * as journal from './journal.ts';
import type { Work } from './work.ts';

type Known = { state: DestinationState | undefined; mappings: Mappings };

/**
 * Returns what to record of the rows at the destination: content that was taken over is the new base, and an undo
 * restores the former base. Empty after all other writes into this environment.
 */
export async function basesOfWriteHere(
  on: PoolConnection,
  { here, transfer, steps: all }: Work,
): Promise<Observation[]> {
  if (transfer.kind !== 'takeover' && transfer.kind !== 'undo-here') return [];
  const steps = all.filter(({ entity }) => !entityNamed(entity).isMatchedByName);
  const states = await readDestinationStates(on, steps);
  const mappings = await readMappings(on);
  const known = (step: journal.Step) => ({ mappings, state: states.get(keyText(step)) });
  if (transfer.kind === 'takeover') {
    return steps.map((step) => afterTakeover(step, known(step), transfer));
  }
  const undone = await journal.stepsOf(here.sql, transfer.undoes ?? '', here);
  const former = new Map(undone.map((step) => [keyText(step), step.base ?? null]));
  return steps.map((step) => afterUndo(step, known(step), former.get(keyText(step)) ?? null));
}

function afterTakeover(
  step: journal.Step,
  { state, mappings }: Known,
  { created_at: since }: journal.Transfer,
): Observation {
  const key = { entity: step.entity, id: step.id };
  if (step.after === null) return { key, hash: null, base: 'none' };
  if (step.excludedFields.length === 0) {
    const hash = hashThere(step, step.after, mappings);
    return { key, hash: state?.observed_hash ?? hash, base: { hash, content: null } };
  }
  // The row is a mixture of both sides. The content of the destination is its base, unless the destination was observed
  // again since: then the former base stays, and the status asks for a review.
  const seen = state && state.observed_at <= since ? state.observed_hash : null;
  const base = seen === null ? null : { hash: seen, content: null };
  return { key, hash: state?.observed_hash ?? null, base };
}

function afterUndo(
  step: journal.Step,
  { state, mappings }: Known,
  former: string | null,
): Observation {
  const key = { entity: step.entity, id: step.id };
  const hash = state?.observed_hash ?? null;
  if (former === null) return { key, hash, base: 'none' };
  const content = contentFrom(entityNamed(step.entity), former);
  const base = hashThere(step, { ...content, id: step.id, modified_at: '' }, mappings);
  return { key, hash, base: { hash: base, content: null } };
}

/** The hash of a row in the names of the destination. */
function hashThere({ entity: name }: journal.Step, row: Row, mappings: Mappings): string {
  const entity = entityNamed(name);
  return hashOf(entity, withMappedNames(entity, row, mappings));
}
