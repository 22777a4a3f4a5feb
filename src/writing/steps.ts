// Stores and reads the steps of a transfer: each row before and after, and the outcome of the step.
import type { PoolConnection } from 'mysql2/promise';
import { hashOf } from '../catalog/content.ts';
import type { Row } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { misfitsOf } from '../catalog/misfits.ts';
import { rangesOf } from '../database/ranges.ts';
import { insertRows } from '../database/bulk.ts';
import { first, join, run, select, sql, type Queryable } from '../database/sql.ts';
import type { Databases } from '../environments/environment.ts';
import { settleAll } from '../settle-all.ts';
import { replacementsOf } from '../state/history.ts';
import {
  afterSteps,
  beforeSteps,
  hashesAfterSteps,
  imagesOf,
  writeImages,
} from '../database/image-bundles.ts';
import {
  plannedOutcome,
  STORED_DIFFERENTLY,
  type Remark,
  type TransferState,
  type Step,
  type WrittenStep,
} from './transfer.ts';
import type { StepAction } from '../state/transfer-kinds.ts';

export async function insertSteps(connection: PoolConnection, transfer: string, steps: Step[]) {
  const lines = steps.map((step, index) => ({
    transfer,
    seq: index + 1,
    entity: step.entity,
    row_id: step.id,
    title: step.title.slice(0, 200),
    action: step.action,
    because: step.because,
    excluded_fields: step.excludedFields.length > 0 ? JSON.stringify(step.excludedFields) : null,
    base_before: step.base ?? null,
    former_id: step.formerId ?? null,
    tested: step.tested?.slice(0, 400) ?? null,
  }));
  const images = (side: 'before' | 'after') =>
    steps.map((step, index) => [index + 1, step[side]] as const);
  await writeImages(
    connection,
    transfer,
    [
      [beforeSteps, images('before')],
      [afterSteps, images('after')],
    ],
    () => insertRows(connection, 'transfer_step', lines),
  );
}

/** The steps of a transfer that was just recorded, as stepsOf() reads them. */
export const recordedSteps = (steps: Step[]): WrittenStep[] =>
  steps.map((step, index) => ({
    ...step,
    seq: index + 1,
    // The journal stores rows as JSON, which drops missing values and notes about invalid stored values. They are
    // dropped here, too, so that these rows equal the rows that stepsOf() reads.
    before: asRecorded(step.before),
    after: asRecorded(step.after),
    outcome: null,
  }));

const asRecorded = (row: Row | null) =>
  row === null || isJson(row) ? row : (JSON.parse(JSON.stringify(row)) as Row);

const isJson = (row: Row) =>
  misfitsOf(row).length === 0 && Object.values(row).every((value) => value !== undefined);

/**
 * Reads the steps of a transfer. A day after the transfer was verified, the journal no longer contains the rows of its
 * steps. Then they are read from the history of the destination (`there`).
 */
export async function stepsOf(
  on: Queryable,
  id: string,
  there?: Databases,
): Promise<WrittenStep[]> {
  const lines = await select<{
    seq: number;
    entity: string;
    row_id: number;
    title: string;
    action: StepAction;
    because: string | null;
    excluded_fields: string | null;
    base_before: string | null;
    former_id: number | null;
    tested: string | null;
    outcome: string | null;
    remark: string | null;
    state: TransferState;
  }>(
    on,
    sql`select s.*, t.state from transfer_step s join transfer t on t.id = s.transfer
         where s.transfer = ${id} order by s.seq`,
  );
  const images = await stepImages(on, id, there);
  return lines.map((line) => ({
    seq: line.seq,
    entity: line.entity,
    id: line.row_id,
    title: line.title,
    action: line.action,
    because: line.because,
    before: images.before.get(line.seq) ?? null,
    after: images.after.get(line.seq) ?? null,
    excludedFields: JSON.parse(line.excluded_fields ?? '[]') as string[],
    base: line.base_before,
    formerId: line.former_id,
    tested: line.tested,
    remark: line.remark === null ? null : (JSON.parse(line.remark) as Remark),
    outcome: line.outcome ?? (line.state === 'verified' ? plannedOutcome[line.action] : null),
  }));
}

type StepImages = Record<'before' | 'after', Map<number, Row>>;

async function stepImages(on: Queryable, id: string, there?: Databases): Promise<StepImages> {
  const [before, after, hashes] = await settleAll([
    imagesOf<Row>(on, beforeSteps, id),
    imagesOf<Row>(on, afterSteps, id),
    there ? imagesOf<string>(on, hashesAfterSteps, id) : new Map<number, string>(),
  ]);
  return there && hashes.size > 0 ? imagesFrom(there, id, hashes) : { before, after };
}

/**
 * Reads the rows before and after the steps from the history at the destination. If another program has changed a row
 * since, the row after its step is left out, so that an undo does not mistake that change for the transfer’s.
 */
async function imagesFrom(there: Databases, id: string, hashes: Map<number, string>) {
  const found: StepImages = { before: new Map(), after: new Map() };
  for (const { seq, entity, before, after } of await replacementsOf(there, id)) {
    if (before) found.before.set(seq, before);
    if (after && hashOf(entityNamed(entity), after) === hashes.get(seq))
      found.after.set(seq, after);
  }
  return found;
}

/** Counts the rows that a transfer writes. */
export async function size(on: Queryable, id: string): Promise<number> {
  const line = await first<{ total: number }>(
    on,
    sql`select count(*) as total from transfer_step where transfer = ${id} and action <> 'same'`,
  );
  return line?.total ?? 0;
}

/** Returns the test results that rows had when they were sent, by `<transfer> <entity>:<id>`. */
export async function testedIn(on: Queryable, transfers: string[]): Promise<Map<string, string>> {
  const lines = await select<{ transfer: string; entity: string; row_id: number; tested: string }>(
    on,
    sql`select transfer, entity, row_id, tested from transfer_step
         where transfer in (${transfers}) and tested is not null`,
  );
  return new Map(
    lines.map((line) => [`${line.transfer} ${line.entity}:${line.row_id}`, line.tested]),
  );
}

/**
 * Records the outcomes that differ from the plan, with one SQL statement for each kind of outcome.
 */
export async function writeOutcomes(on: Queryable, id: string, outcomes: Map<number, string>) {
  const bySame = Map.groupBy(outcomes.keys(), (seq) => outcomes.get(seq) ?? '');
  for (const [outcome, seqs] of bySame) {
    const ranges = rangesOf(seqs).map(([from, to]) => sql`seq between ${from} and ${to}`);
    await run(
      on,
      sql`update transfer_step set outcome = ${outcome}
           where transfer = ${id} and (${join(ranges, ' or ')})`,
    );
  }
}

/**
 * Records the remarks of an attempt to write (fields that were stored differently, timestamps in
 * the future). Unless the attempt is the first, they replace those of the previous attempt.
 */
export async function writeRemarks(
  on: Queryable,
  id: string,
  steps: WrittenStep[],
  { isFirst }: { isFirst: boolean },
) {
  if (!isFirst) {
    await run(
      on,
      sql`update transfer_step set remark = null where transfer = ${id} and remark is not null`,
    );
  }
  await insertRows(
    on,
    'transfer_step',
    steps
      .filter(({ remark }) => remark)
      .map(({ seq, entity, id: row, title, action, remark }) => ({
        transfer: id,
        seq,
        entity,
        row_id: row,
        title: title.slice(0, 200),
        action,
        remark: JSON.stringify(remark),
      })),
    sql`on duplicate key update remark = values(remark)`,
  );
}

/** Returns the steps of a transfer whose rows the destination stored differently than sent. */
export async function storedDifferently(on: Queryable, id: string): Promise<WrittenStep[]> {
  const [line] = await select(
    on,
    sql`select 1 from transfer_step where transfer = ${id} and outcome = ${STORED_DIFFERENTLY} limit 1`,
  );
  const steps = line ? await stepsOf(on, id) : [];
  return steps.filter(({ outcome }) => outcome === STORED_DIFFERENTLY);
}
