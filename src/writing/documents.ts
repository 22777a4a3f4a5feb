// Writes the MongoDB documents of a transfer. A document is replaced only if it is still as it was read
// (compare-and-set), and gets a mark with the transfer and the fence (number) of its worker.
import type { Db } from 'mongodb';
import { isSameRow } from '../catalog/content.ts';
import { isDocument, keyText, type Content, type Row } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { spelledKeysOf, uniqueKeysOf } from '../catalog/unique-values.ts';
import { Pace } from '../database/pace.ts';
import { willPass } from '../database/transient-errors.ts';
import { transaction } from '../database/sql.ts';
import * as mongo from '../rows/mongo.ts';
import * as mongoWrites from '../rows/mongo-writes.ts';
import { byEntity } from '../rows/store.ts';
import { withLastingValues, withTemporaryValues } from '../rows/temporary-values.ts';
import * as claims from './claims.ts';
import { lockClock, setClock } from '../state/clock.ts';
import { formerInstants, Instants, instantsOfDocuments } from './instants.ts';
import * as journal from './journal.ts';
import { inWritingOrder } from '../catalog/order.ts';
import { failpoint } from '../database/failpoints.ts';
import { inHandoverOrder, type Handover, type OrderedWrite } from './handovers.ts';
import { changedThere, type Work } from './work.ts';

export type StoredByKey = Map<string, mongo.StoredDocument>;
export const isDocumentStep = (step: journal.Step) => isDocument(entityNamed(step.entity));
export const isBeforePivot = (step: journal.Step) =>
  isDocumentStep(step) && step.action !== 'remove';

/**
 * Returns the steps that write documents before the COMMIT in MySQL: every step that is not a removal, and those removals
 * that free a unique value for another document.
 */
export function writtenBeforePivot(steps: journal.WrittenStep[], stored: StoredByKey) {
  const own = steps.filter(isDocumentStep);
  const wanted = new Set(own.flatMap((one) => uniqueKeysOf(entityNamed(one.entity), one.after)));
  const isGiver = (step: journal.WrittenStep) =>
    uniqueKeysOf(entityNamed(step.entity), step.before).some((key) => wanted.has(key)) &&
    documentRow(step, stored) !== null;
  return own.filter((step) => isBeforePivot(step) || isGiver(step));
}

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

/**
 * At most this many documents are written in one round trip. Tests lower the number, to stop the process
 * between any two documents.
 */
export const bulk = { size: 1000 };

/** How many documents each database writes in one round trip. The number is kept between transfers. */
const paces = new WeakMap<Db, Pace>();

function paceOf(documents: Db): Pace {
  const pace = paces.get(documents) ?? new Pace();
  paces.set(documents, pace);
  return pace;
}

/**
 * Writes each new or changed document by compare-and-set, even if an earlier attempt has already
 * written it. Each document gets its own timestamp. Returns the timestamps by key text.
 */
export async function writeDocuments(work: Work, stored: StoredByKey, instants: Instants) {
  const drawn = new Map<string, string>();
  const now = new Map(stored);
  const handovers = inWritingOrder(work.steps.filter(isDocumentStep)).map((step) => ({
    ...handoverOf(step, stored.get(keyText(step)), step.after),
    isLater: step.action === 'remove',
  }));
  let done = work.steps.length - work.steps.filter(isBeforePivot).length;
  const pace = paceOf(work.there.documents);
  for (const part of parts(inHandoverOrder(handovers), () => Math.min(pace.size, bulk.size))) {
    const replacements = part.map(({ item: step, isTemporary }) => {
      const entity = entityNamed(step.entity);
      const seen = now.get(keyText(step));
      const stamp = stampOf(work);
      let document: mongo.StoredDocument;
      if (isTemporary && seen) document = { ...withTemporaryValues(entity, seen), stamp };
      else {
        const instant = instants.nextOf(step);
        drawn.set(keyText(step), instant);
        document = mongoWrites.toStored(entity, step.after as Row, instant, stamp);
      }
      const replacement = replacementOf(work, step, seen, document);
      now.set(keyText(step), replacement.next);
      return replacement;
    });
    const entity = entityNamed(part[0]?.item.entity ?? '');
    const put = await pace.time(replacements.length, () =>
      mongoWrites.replaceAll(work.there.documents, entity, replacements),
    );
    const moved = part[put]?.item;
    if (moved) throw changedThere(moved);
    done += part.filter(({ isTemporary }) => !isTemporary).length;
    work.onProgress(done, 'Documents are being written');
    await failpoint('document');
  }
  return drawn;
}

/**
 * Returns the unique values that a stored document has (including temporary ones), and the unique
 * values that its next content has.
 */
export function handoverOf(
  step: journal.WrittenStep,
  seen: mongo.StoredDocument | undefined,
  wanted: Row | mongo.StoredDocument | null,
): Handover<journal.WrittenStep> {
  const entity = entityNamed(step.entity);
  const keys = (content: Row | mongo.StoredDocument | null) => [
    ...uniqueKeysOf(entity, content as Content | null),
    ...spelledKeysOf(entity, content as Content | null),
  ];
  return { item: step, has: keys(seen ?? null), wants: keys(wanted), isLater: false };
}

/**
 * Yields writes in consecutive groups of one entity each. `most`: returns how many writes the next group may have.
 */
function* parts(writes: OrderedWrite<journal.WrittenStep>[], most: () => number) {
  for (let from = 0; from < writes.length;) {
    const some = writes.slice(from, from + most());
    const other = some.findIndex(({ item }) => item.entity !== some[0]?.item.entity);
    const part = other < 0 ? some : some.slice(0, other);
    from += part.length;
    yield part;
  }
}

export const stampOf = ({ transfer }: Work): mongo.Stamp => ({
  transfer: transfer.id,
  fence: transfer.fence,
});

/**
 * Returns the replacement that writes a document: the content that must still be stored, and the next content, which
 * keeps fields that this version of Oneway does not know.
 * @throws FencedOff when a newer worker of this transfer has written the document
 */
function replacementOf(
  { transfer }: Work,
  step: journal.Step,
  seen: mongo.StoredDocument | undefined,
  next: mongo.StoredDocument,
): mongoWrites.Replacement {
  if (seen?.stamp?.transfer === transfer.id && seen.stamp.fence > transfer.fence) {
    throw new journal.FencedOff(`Transfer ${transfer.number} is in other hands`);
  }
  return {
    expected: seen,
    next: { ...mongoWrites.unknownFields(entityNamed(step.entity), seen), ...next },
  };
}

/**
 * Replaces a document if it is still as it was read. Returns the document as it is now stored.
 * @throws ChangedMeanwhile when the stored document differs from the one that was read
 */
export async function compareAndSet(
  work: Work,
  step: journal.Step,
  seen: mongo.StoredDocument | undefined,
  next: mongo.StoredDocument,
): Promise<mongo.StoredDocument> {
  const replacement = replacementOf(work, step, seen, next);
  const entity = entityNamed(step.entity);
  if (!(await mongoWrites.replace(work.there.documents, entity, replacement))) {
    throw changedThere(step);
  }
  return replacement.next;
}

/**
 * Removes documents after the COMMIT in MySQL: each document becomes a stub, which has no fields
 * and stays for a day. A document that someone else has changed is kept, and its step gets the
 * outcome `changed since`.
 */
export async function removeDocuments(work: Work) {
  const removals = work.steps.filter((step) => isDocumentStep(step) && step.action === 'remove');
  if (removals.length === 0) return;
  await transaction(work.there.writers, async (connection) => {
    await claims.lock(connection, work.transfer);
    const clock = await lockClock(connection);
    const stored = await readStored(work);
    const instants = new Instants(clock, formerInstants(instantsOfDocuments(stored)));
    // Dependent documents are removed before their parents.
    for (const step of inWritingOrder(removals).toReversed()) {
      const seen = stored.get(keyText(step));
      const entity = entityNamed(step.entity);
      if (seen && isSameRow(entity, mongo.rowIn(entity, seen), step.before)) {
        // A stub is deleted when its timestamp is a day old, so the timestamp must not lie in the
        // future. Apps do not read stubs: they read the tombstone (the record of the deletion),
        // which has its own timestamp.
        const stub = mongoWrites.stub(step.id, instants.next(), stampOf(work));
        await compareAndSet(work, step, seen, stub).catch((error: unknown) => {
          // An error stops the transfer, unless a person has decided to keep documents that cannot
          // be removed.
          if (work.transfer.decision !== 'keep-theirs' || willPass(error)) throw error;
        });
      } else if (seen?.temporary) {
        // This document is not removed, because another user has changed it. But another document has taken its unique
        // name, so this document gets its former name with its ID appended.
        const kept = withLastingValues(seen, (own) => `${own.slice(0, 50)} (ID ${step.id})`);
        const instant = new Date(instants.nextOf(step));
        await compareAndSet(work, step, seen, {
          ...kept,
          modified_at: instant,
          stamp: stampOf(work),
        });
      }
      await failpoint('removal');
    }
    await setClock(connection, instants.end);
  });
}
