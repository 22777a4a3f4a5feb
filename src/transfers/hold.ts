// Holds: rows marked *Not for production*.
import * as audit from '../audit/audit.ts';
import { keyText, type RowKey } from '../catalog/entity.ts';
import { sql, transaction } from '../database/sql.ts';
import type { Environment } from '../environments/environment.ts';
import { readStates, updateStates } from '../state/row-state.ts';

/** Puts a row on hold: left out of the pending counts, and not sent until the hold is removed. */
export async function hold(here: Environment, person: string, key: RowKey, reason: string | null) {
  await transaction(here.sql, async (connection) => {
    const found = await updateStates(
      connection,
      sql`update row_state
             set held_by = ${person}, held_at = utc_timestamp(3), held_reason = ${reason}
           where entity = ${key.entity} and row_id = ${key.id} and held_at is null`,
    );
    if (found > 0) await note(connection, person, 'held back', key, reason);
  });
}

export async function removeHold(here: Environment, person: string, key: RowKey) {
  await transaction(here.sql, async (connection) => {
    const found = await updateStates(
      connection,
      sql`update row_state set held_by = null, held_at = null, held_reason = null
           where entity = ${key.entity} and row_id = ${key.id} and held_at is not null`,
    );
    if (found > 0) await note(connection, person, 'let go', key, null);
  });
}

async function note(
  connection: Parameters<typeof audit.write>[0],
  person: string,
  action: string,
  key: RowKey,
  detail: string | null,
) {
  const state = (await readStates(connection, [key])).get(keyText(key));
  await audit.write(connection, { person, action, subject: state?.title ?? '', detail, row: key });
}
