// Stores and reads the steps of a transfer: each row before and after, and the outcome of the step.
import type { PoolConnection } from 'mysql2/promise';
import { canonical } from '../catalog/content.ts';
import type { Row } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { rangesOf } from '../database/ranges.ts';
import { insertRows } from '../database/bulk.ts';
import { first, join, run, select, sql, type Queryable } from '../database/sql.ts';
import {
  plannedOutcome,
  STORED_DIFFERENTLY,
  type Remark,
  type TransferState,
  type Step,
  type WrittenStep,
} from './transfer.ts';
import type { StepAction } from '../state/transfer-kinds.ts';

export const insertSteps = (connection: PoolConnection, transfer: string, steps: Step[]) =>
  insertRows(
    connection,
    'transfer_step',
    steps.map((step, index) => ({
      transfer,
      seq: index + 1,
      entity: step.entity,
      row_id: step.id,
      title: step.title.slice(0, 200),
      action: step.action,
      because: step.because,
      before_image: step.before && JSON.stringify(step.before),
      after_image: step.after && JSON.stringify(step.after),
      excluded_fields: step.excludedFields.length > 0 ? JSON.stringify(step.excludedFields) : null,
      base_before: baseIn(step),
      former_id: step.formerId ?? null,
      tested: step.tested?.slice(0, 400) ?? null,
    })),
  );

export async function stepsOf(on: Queryable, id: string): Promise<WrittenStep[]> {
  const lines = await select<{
    seq: number;
    entity: string;
    row_id: number;
    title: string;
    action: StepAction;
    because: string | null;
    before_image: string | null;
    after_image: string | null;
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
  return lines.map((line) => {
    const before = line.before_image === null ? null : (JSON.parse(line.before_image) as Row);
    return {
      seq: line.seq,
      entity: line.entity,
      id: line.row_id,
      title: line.title,
      action: line.action,
      because: line.because,
      before,
      after: line.after_image === null ? null : (JSON.parse(line.after_image) as Row),
      excludedFields: JSON.parse(line.excluded_fields ?? '[]') as string[],
      base:
        line.base_before === AS_BEFORE && before
          ? canonical(entityNamed(line.entity), before)
          : line.base_before,
      formerId: line.former_id,
      tested: line.tested,
      remark: line.remark === null ? null : (JSON.parse(line.remark) as Remark),
      outcome: line.outcome ?? (line.state === 'verified' ? plannedOutcome[line.action] : null),
    };
  });
}

/**
 * The journal stores this mark for a base that equals the content before the write. Most bases do,
 * and contents are long.
 */
const AS_BEFORE = '=';

function baseIn({ entity, before, base = null }: Step): string | null {
  const isAsBefore = base !== null && before && base === canonical(entityNamed(entity), before);
  return isAsBefore ? AS_BEFORE : base;
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
 * the future). They replace the remarks of the previous attempt.
 */
export async function writeRemarks(on: Queryable, id: string, steps: WrittenStep[]) {
  await run(
    on,
    sql`update transfer_step set remark = null where transfer = ${id} and remark is not null`,
  );
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
