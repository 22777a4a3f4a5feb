// A day after a transfer was verified, the rows of its steps are deleted from Oneway’s journal of writes. An undo then
// reads them from the history at the destination (see stepsOf()).
import type { Pool } from 'mysql2/promise';
import { hashOf } from '../catalog/content.ts';
import { entityNamed } from '../catalog/index.ts';
import { failpoint } from '../database/failpoints.ts';
import {
  afterSteps,
  beforeSteps,
  hashesAfterSteps,
  removeImages,
  writeImages,
} from '../database/image-bundles.ts';
import { select, sql, transaction } from '../database/sql.ts';
import { rowStored } from './read-back.ts';
import { stepsOf } from './steps.ts';
import type { WrittenStep } from './transfer.ts';

/** Verified transfers keep the rows of their steps for this long, in hours. */
const KEPT_FOR = 24;

/**
 * Deletes the rows of all transfers that were verified a day ago from Oneway’s journal of writes. Only the hash of each
 * row after its step is kept.
 */
export async function forgetImages({ sql: on }: { sql: Pool }): Promise<number> {
  const old = await select<{ id: string }>(
    on,
    sql`select distinct t.id from step_image_bundle b join transfer t on t.id = b.transfer
         where b.side in ('before', 'after') and t.state = 'verified'
           and t.ended_at < utc_timestamp(3) - interval ${KEPT_FOR} hour`,
  );
  for (const { id } of old) {
    await transaction(on, async (connection) => {
      const steps = await stepsOf(connection, id);
      await writeImages(connection, id, [[hashesAfterSteps, steps.map(hashAfter)]]);
      await removeImages(connection, beforeSteps, id);
      await removeImages(connection, afterSteps, id);
    });
    await failpoint('images forgotten');
  }
  return old.length;
}

function hashAfter(step: WrittenStep) {
  const row = rowStored(step);
  // A removed row has no hash, so its step gets an empty text. The text also records that the rows of this transfer
  // were deleted from the journal.
  return [step.seq, row ? hashOf(entityNamed(step.entity), row) : ''] as const;
}
