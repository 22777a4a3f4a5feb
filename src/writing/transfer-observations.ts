// What a transfer records of its rows at the destination: the observations, each with the new base of a row (the last
// content that both sides had in common), and which content an undo replaced.
import type { PoolConnection } from 'mysql2/promise';
import { canonical, contentFrom, contentOf, hashOf, isSameRow } from '../catalog/content.ts';
import { keyText, type Content, type Draft, type Row } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { baseBefore, hashAlone } from './former-base.ts';
import * as journal from './journal.ts';
import { readDestinationHashes, type DestinationHashes } from '../state/destination-state.ts';
import type { Observation } from '../state/observations.ts';
import { clearUndone, DELETED, writeUndone, type UndoneHashes } from '../state/undone-contents.ts';
import { undoDepth } from './undo-depth.ts';
import type { Work } from './work.ts';

/**
 * Returns for each step the observation to record: the present row at the destination, and the new
 * base (the last content that both sides had in common).
 */
export async function observationsOf(work: Work, now: Map<string, Row>): Promise<Observation[]> {
  const carried = work.steps.filter(({ entity }) => !entityNamed(entity).isMatchedByName);
  const former = await formerBases(work);
  const others = former ? [] : carried.filter((step) => !isAsWritten(step, now));
  const stops = await readDestinationHashes(work.here.sql, others);
  return carried.map((step) => {
    const text = keyText(step);
    const row = now.get(text) ?? null;
    return former
      ? observationAfterUndo(step, isAsWritten(step, now), row, former.get(text) ?? null)
      : observationOf(step, isAsWritten(step, now), row, stops.get(text));
  });
}

const isAsWritten = (step: journal.Step, now: Map<string, Row>) =>
  isSameRow(entityNamed(step.entity), now.get(keyText(step)) ?? null, step.after);

function observationOf(
  step: journal.Step,
  isAsWritten: boolean,
  row: Row | null,
  was: DestinationHashes | undefined,
): Observation {
  const entity = entityNamed(step.entity);
  const key = { entity: step.entity, id: step.id };
  if (row === null && isAsWritten) return { key, hash: null, base: 'none' };
  // If a row has no base (last common content), the sent content becomes its base, even if the destination already has
  // other content. Without a base, the rows of the two environments would not count as the same row.
  const sent = isAsWritten ? row : was?.base_hash ? null : step.after;
  const hash = row && hashOf(entity, row);
  if (sent === null) return { key, hash, base: null };
  if (step.excludedFields.length === 0) return { key, hash, base: baseFrom(step, sent) };
  const content: Draft<Content> = contentOf(entity, sent);
  const base = baseBefore(step);
  const before = base && !hashAlone(base) ? contentFrom(entity, base) : content;
  // Excluded fields were not sent, so in the base (the last common content) they keep their former values.
  for (const name of step.excludedFields) content[name] = before[name] ?? null;
  return { key, hash, base: baseFrom(step, content) };
}

/**
 * Returns the base (the last content that both sides had in common) of each row before the transfer
 * that is being undone. Returns null if this transfer is not an undo.
 */
async function formerBases({ here, there, transfer }: Work) {
  if (transfer.undoes === null) return null;
  const steps = await journal.stepsOf(here.sql, transfer.undoes, there);
  return new Map(steps.map((step) => [keyText(step), baseBefore(step)] as const));
}

/**
 * Returns the observation to record for a row after an undo. Its base (the last content that both sides had in common)
 * is again the base from before the undone transfer. The restored content cannot be the base, because it may never have
 * been in this environment.
 */
function observationAfterUndo(
  step: journal.Step,
  isAsWritten: boolean,
  row: Row | null,
  base: string | null,
): Observation {
  const entity = entityNamed(step.entity);
  const key = { entity: step.entity, id: step.id };
  const seen = row && hashOf(entity, row);
  if (!isAsWritten) return { key, hash: seen, base: null };
  if (base === null) return { key, hash: seen, base: 'none' };
  const alone = hashAlone(base);
  if (alone) return { key, hash: seen, base: { hash: alone, content: null } };
  return { key, hash: seen, base: baseFrom(step, contentFrom(entity, base)) };
}

/**
 * Returns a base to record. Its content is stored only if the history does not contain it, as the row before or after
 * this step.
 */
function baseFrom({ entity: name, before, after }: journal.Step, content: Content) {
  const entity = entityNamed(name);
  const hash = hashOf(entity, content);
  const isInHistory = [before, after].some((row) => row !== null && hashOf(entity, row) === hash);
  return { hash, content: isInHistory ? null : canonical(entity, content) };
}

/**
 * Records that the content which an undo replaces was undone, so that sending this content again
 * needs a confirmation. The undo of an undo removes that record, and a third undo writes it again.
 */
export async function rememberUndone(
  connection: PoolConnection,
  { transfer, steps }: Work,
  undone: UndoneHashes,
) {
  const own = steps.filter(({ entity }) => !entityNamed(entity).isMatchedByName);
  const contents = (side: 'before' | 'after') =>
    own.map((step) => {
      const row = step[side];
      const hash = row ? hashOf(entityNamed(step.entity), row) : DELETED;
      return { key: { entity: step.entity, id: step.id }, hash };
    });
  if (undone.size > 0) await clearUndone(connection, contents('after'), undone);
  if ((await undoDepth(connection, transfer)) % 2 === 0) return;
  const { person, reason } = transfer;
  await writeUndone(connection, contents('before'), { person, reason });
}
