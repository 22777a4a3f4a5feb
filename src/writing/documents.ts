// The documents of a transfer: each is compare-and-set and stamped with transfer and fence.
import { isSameRow } from '../catalog/content.ts';
import { isDocument, keyText, type Row } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { isTransient } from '../database/transient-errors.ts';
import { transaction } from '../database/sql.ts';
import * as mongo from '../rows/mongo.ts';
import { byEntity } from '../rows/store.ts';
import * as claims from './claims.ts';
import { laterThan, lockClock, next, setClock } from './clock.ts';
import * as journal from './journal.ts';
import { inWritingOrder } from '../catalog/order.ts';
import { failpoint } from './failpoints.ts';
import { ChangedMeanwhile, type Work } from './work.ts';

export type StoredByKey = Map<string, mongo.StoredDocument>;
export const isDocumentStep = (step: journal.Step) => isDocument(entityNamed(step.entity));
export const isBeforePivot = (step: journal.Step) =>
  isDocumentStep(step) && step.action !== 'remove';

export async function readStored(work: Work): Promise<StoredByKey> {
  const found: StoredByKey = new Map();
  for (const [entity, ids] of byEntity(work.steps.filter(isDocumentStep))) {
    for (const [id, one] of await mongo.readStored(work.there.documents, entity, ids)) {
      found.set(keyText({ entity: entity.name, id }), one);
    }
  }
  return found;
}

export const documentRow = (step: journal.Step, stored: StoredByKey) =>
  mongo.rowIn(entityNamed(step.entity), stored.get(keyText(step)));

/** Documents per round trip; tests lower it to stop between any two. */
export const bulk = { size: 500 };

/**
 * Writes each new or changed document by compare-and-set with its own instant, also those that an earlier
 * attempt wrote. Answers the last instant.
 */
export async function writeDocuments(work: Work, stored: StoredByKey, rowInstant: string) {
  let instant = rowInstant;
  const steps = inWritingOrder(work.steps.filter(isBeforePivot));
  let done = work.steps.length - steps.length;
  for (const part of parts(steps)) {
    const writes = part.map((step) => {
      instant = next(instant);
      const document = mongo.toStored(
        entityNamed(step.entity),
        step.after as Row,
        instant,
        stampOf(work),
      );
      return replacementOf(work, step, stored.get(keyText(step)), document);
    });
    const entity = entityNamed(part[0]?.entity ?? '');
    const put = await mongo.replaceAll(work.there.documents, entity, writes);
    const moved = part[put];
    if (moved) throw new ChangedMeanwhile(`${moved.title} was changed there meanwhile.`);
    done += part.length;
    work.onProgress(done, 'Documents are being written');
    await failpoint('document');
  }
  return instant;
}

/** Parts of one entity each, in the given order. */
function parts(steps: journal.WrittenStep[]): journal.WrittenStep[][] {
  const all: journal.WrittenStep[][] = [];
  for (const step of steps) {
    const last = all.at(-1);
    if (last && last.length < bulk.size && last[0]?.entity === step.entity) last.push(step);
    else all.push([step]);
  }
  return all;
}

export const stampOf = ({ transfer }: Work): mongo.Stamp => ({
  transfer: transfer.id,
  fence: transfer.fence,
});

/** @throws FencedOff when a later worker of this transfer has written it */
function replacementOf(
  { transfer }: Work,
  step: journal.Step,
  seen: mongo.StoredDocument | undefined,
  next: mongo.StoredDocument,
): mongo.Replacement {
  if (seen?.stamp?.transfer === transfer.id && seen.stamp.fence > transfer.fence) {
    throw new journal.FencedOff(`Transfer ${transfer.number} is in other hands`);
  }
  return {
    expected: seen,
    next: { ...mongo.unknownFields(entityNamed(step.entity), seen), ...next },
  };
}

export async function compareAndSet(
  work: Work,
  step: journal.Step,
  seen: mongo.StoredDocument | undefined,
  next: mongo.StoredDocument,
) {
  const replacement = replacementOf(work, step, seen, next);
  const entity = entityNamed(step.entity);
  if (!(await mongo.replace(work.there.documents, entity, replacement))) {
    throw new ChangedMeanwhile(`${step.title} was changed there meanwhile.`);
  }
}

/**
 * After the pivot: removed documents become stubs. A document that someone changed is kept, and its step
 * says so.
 */
export async function removeDocuments(work: Work) {
  const removals = work.steps.filter((step) => isDocumentStep(step) && step.action === 'remove');
  if (removals.length === 0) return;
  await transaction(work.there.writers, async (connection) => {
    await claims.lock(connection, work.transfer);
    let instant = await lockClock(connection);
    const stored = await readStored(work);
    instant = laterThan(instant, [], stored);
    // Dependents before their owners.
    for (const step of inWritingOrder(removals).toReversed()) {
      const seen = stored.get(keyText(step));
      const entity = entityNamed(step.entity);
      if (seen && isSameRow(entity, mongo.rowIn(entity, seen), step.before)) {
        instant = next(instant);
        await compareAndSet(work, step, seen, mongo.stub(step.id, instant, stampOf(work))).catch(
          (error: unknown) => {
            // A person may have chosen to keep what cannot be removed.
            if (work.transfer.decision !== 'keep-theirs' || isTransient(error)) throw error;
          },
        );
      }
      await failpoint('removal');
    }
    await setClock(connection, instant);
  });
}
