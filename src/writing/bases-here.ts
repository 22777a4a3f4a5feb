// The bases (the last content that both sides had in common) to record after rows were taken over from the destination,
// or after such a takeover was undone.
import type { PoolConnection } from 'mysql2/promise';
import { canonical, contentFrom, hashOf } from '../catalog/content.ts';
import { keyText, type Row } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import type { Environment } from '../environments/environment.ts';
import { readDestinationStates, type DestinationState } from '../state/destination-state.ts';
import type { Observation } from '../state/observations.ts';
import { readMappings, withMappedNames, type Mappings } from '../state/name-mapping.ts';
import { baseBefore, hashAlone } from './former-base.ts';
import * as journal from './journal.ts';
import type { Work } from './work.ts';

type Known = { state: DestinationState | undefined; mappings: Mappings };

/**
 * Returns what to record in the table `destination_state`. After a takeover, the content that was taken over is the new
 * base of its row; after the undo of a takeover, the former base is the base again. Returns nothing for all other
 * writes into this environment.
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
  const changes = await baseChanges(here, transfer, mappings);
  return steps.flatMap((step) => {
    const change = changes.get(keyText(step));
    return change ? afterUndo(step, known(step), change) : [];
  });
}

/**
 * How a write into this environment changed the base (last common content) of a row. `former`: the base before the
 * write. `isStill`: whether a given base is the one that this write recorded.
 */
type BaseChange = { former: string | null; isStill: (base: string | null) => boolean };

/**
 * Returns, by key text, how the write that is being undone changed the bases (last common contents) of its rows. A
 * restore changes no bases.
 */
async function baseChanges(
  here: Environment,
  { undoes }: journal.Transfer,
  mappings: Mappings,
): Promise<Map<string, BaseChange>> {
  const undone = undoes === null ? undefined : await journal.byId(here.sql, undoes);
  if (!undone) return new Map();
  const steps = await journal.stepsOf(here.sql, undone.id, here);
  if (undone.kind === 'takeover') {
    return new Map(
      steps.map((step) => [
        keyText(step),
        { former: baseBefore(step), isStill: isOfTakeover(step, mappings) },
      ]),
    );
  }
  // If the undone write was an undo itself, it recorded the base (last common content) that the row had before the
  // write that it undid.
  const before = undone.kind === 'undo-here' ? await baseChanges(here, undone, mappings) : null;
  return new Map(
    steps.flatMap((step) => {
      const restored = before?.get(keyText(step));
      if (!restored) return [];
      const hash = restored.former === null ? null : baseOf(step, restored.former, mappings).hash;
      return [
        [keyText(step), { former: baseBefore(step), isStill: (base) => base === hash }] as const,
      ];
    }),
  );
}

/**
 * Returns a function that says whether a base (last common content, given by its hash) is still the one that a takeover
 * recorded.
 */
function isOfTakeover(step: journal.Step, mappings: Mappings): BaseChange['isStill'] {
  const after = step.after === null ? null : hashThere(step, step.after, mappings);
  // If fields were excluded from the takeover, the row after it mixes values of both environments, so it did not
  // become the base (the last common content). If it is the base now, the row has been transferred since.
  return (base) => (step.excludedFields.length > 0 ? base !== after : base === after);
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
  // Fields were excluded, so the row mixes values of both environments. Its base is the content of the destination that
  // was taken over. But if the destination was compared again after the takeover began, that content is not known any
  // more: the former base stays, and the status of the row asks for a review.
  const seen = state && state.observed_at <= since ? state.observed_hash : null;
  const base = seen === null ? null : { hash: seen, content: null };
  return { key, hash: state?.observed_hash ?? null, base };
}

/**
 * Returns what to record about a row after an undo. If the base (last common content) of the row has changed since the
 * undone write, for example because the row was transferred, the base stays unchanged.
 */
function afterUndo(
  step: journal.Step,
  { state, mappings }: Known,
  { former, isStill }: BaseChange,
): Observation {
  const key = { entity: step.entity, id: step.id };
  const hash = state?.observed_hash ?? null;
  if (!isStill(state?.base_hash ?? null)) return { key, hash, base: null };
  return { key, hash, base: former === null ? 'none' : baseOf(step, former, mappings) };
}

/**
 * Returns a base (last common content) whose linked names are those of the destination. The content of the former base
 * has the linked names of this environment.
 */
function baseOf({ entity: name, id }: journal.Step, former: string, mappings: Mappings) {
  const hash = hashAlone(former);
  if (hash) return { hash, content: null };
  const entity = entityNamed(name);
  const row = { ...contentFrom(entity, former), id, modified_at: '' };
  const named = withMappedNames(entity, row, mappings);
  return { hash: hashOf(entity, named), content: canonical(entity, named) };
}

/** Returns the hash of a row, with linked names as the destination spells them. */
function hashThere({ entity: name }: journal.Step, row: Row, mappings: Mappings): string {
  const entity = entityNamed(name);
  return hashOf(entity, withMappedNames(entity, row, mappings));
}
