// Holds: rows marked *Not for production*.
import * as audit from '../audit/audit.ts';
import { keyText, type RowKey } from '../catalog/entity.ts';
import { sql, transaction } from '../database/sql.ts';
import type { Environment } from '../environments/environment.ts';
import { Conflict } from '../problems.ts';
import { readStates, updateStates } from '../state/row-state.ts';
import { addLines } from '../state/untouched.ts';

/**
 * Puts a row on hold: the row is left out of the pending counts, and is not sent until the hold is removed.
 * @throws Conflict when someone has already put the row on hold for another reason
 */
export async function hold(here: Environment, person: string, key: RowKey, reason: string | null) {
  await transaction(here.sql, async (connection) => {
    await addLines({ sql: connection, documents: here.documents }, [key]);
    const found = await updateStates(
      connection,
      sql`update row_state
             set held_by = ${person}, held_at = utc_timestamp(3), held_reason = ${reason}
           where entity = ${key.entity} and row_id = ${key.id} and held_at is null`,
    );
    if (found > 0) return note(connection, person, 'marked Not for production', key, reason);
    const held = (await readStates(connection, [key])).get(keyText(key));
    if (!held?.held_at || held.held_reason === reason) return;
    const given = held.held_reason ? `: “${held.held_reason}”` : '';
    throw new Conflict(
      `“${held.title}” was marked Not for production by ${held.held_by} already${given}. ${reason ? `Your reason was not saved: “${reason}”. ` : ''}To give another reason, remove the mark first.`,
    );
  });
}

/**
 * Removes the hold of a row. `seen`: when the hold that the page showed was set; null removes any hold.
 * @throws Conflict when the row was put on hold again after the page was shown
 */
export async function removeHold(
  here: Environment,
  person: string,
  key: RowKey,
  seen: string | null = null,
) {
  await transaction(here.sql, async (connection) => {
    const found = await updateStates(
      connection,
      sql`update row_state set held_by = null, held_at = null, held_reason = null
           where entity = ${key.entity} and row_id = ${key.id} and held_at is not null
             and (${seen} is null or cast(held_at as char) = ${seen})`,
    );
    if (found > 0) return note(connection, person, 'unmarked Not for production', key, null);
    const held = (await readStates(connection, [key])).get(keyText(key));
    if (!held?.held_at) return;
    const given = held.held_reason ? `: “${held.held_reason}”` : '';
    throw new Conflict(
      `“${held.title}” was marked Not for production again by ${held.held_by}${given}. Open it, and remove the mark there if it shall go.`,
    );
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
