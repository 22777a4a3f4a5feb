// Changes to selections that several people may have open at once: each change locks the selection, so that no
// simultaneous change of another user is lost.
import { hash } from 'node:crypto';
import type { Pool, PoolConnection } from 'mysql2/promise';
import { keyText, type RowKey } from '../catalog/entity.ts';
import { run, sql, transaction } from '../database/sql.ts';
import { Conflict, NotFound } from '../problems.ts';
import { isSent } from './kept-selections.ts';
import { activeOf } from './schedules.ts';
import { joinedKeys } from './posted-keys.ts';
import { find, isUnsent, saveChoices, type SavedChoices } from './selections.ts';

/**
 * Adds rows to a selection. Returns how many rows were added, and how many the selection already had. `chain`: the
 * earlier transfers that brought the rows into this environment.
 * @throws Conflict when the selection was sent meanwhile, or is being sent
 */
export const addTo = (on: Pool, id: string, keys: RowKey[], chain: string[] = []) =>
  transaction(on, async (connection) => {
    const consequence = 'nothing was added to it. Add the rows to another selection.';
    const selection = await findUnsent(connection, id, consequence);
    const joined = joinedKeys(selection.keys, keys.map(keyText));
    await saveChoices(connection, id, { ...selection, keys: joined });
    if (chain.length > 0) {
      const known = JSON.stringify([...new Set([...selection.chain, ...chain])]);
      await run(connection, sql`update selection set chain = ${known} where id = ${id}`);
    }
    const added = joined.length - selection.keys.length;
    return { name: selection.name, added, present: keys.length - added };
  });

/**
 * Removes rows from a selection; returns how many rows were removed.
 * @throws Conflict when the selection was sent meanwhile, or is being sent
 */
export const removeFrom = (on: Pool, id: string, rows: Set<string>) =>
  transaction(on, async (connection) => {
    const selection = await findUnsent(connection, id, 'nothing was removed from it.');
    const keys = selection.keys.filter((key) => !rows.has(keyText(key)));
    await saveChoices(connection, id, { ...selection, keys });
    return selection.keys.length - keys.length;
  });

async function findUnsent(on: PoolConnection, id: string, consequence: string) {
  const selection = await find(on, id, 'transfer', { lock: true });
  if (await isSent(on, id)) {
    throw new Conflict(`“${selection.name}” was sent meanwhile, so ${consequence}`);
  }
  if ((await activeOf(on, id))?.state === 'running') {
    throw new Conflict(`“${selection.name}” is being sent now, as scheduled, so ${consequence}`);
  }
  return selection;
}

export const changeKeys = (on: Pool, id: string, change: (keys: RowKey[]) => RowKey[]) =>
  transaction(on, async (connection) => {
    const selection = await find(connection, id, 'transfer', { lock: true });
    await saveChoices(connection, id, { ...selection, keys: change(selection.keys) });
  });

/**
 * Returns the hash of everything that people choose in a selection. A page posts the hash of the selection that it
 * showed, so that a change which another user made meanwhile is noticed.
 */
export const seenOf = ({ keys, choices, name, reason }: SavedChoices): string =>
  hash('sha256', JSON.stringify([keys.map(keyText), choices, name, reason])).slice(0, 16);

/**
 * Deletes a selection. `seen`: the hash of the selection when its page was shown.
 * @throws Conflict when the selection changed since then, is scheduled, or was sent. A sent selection stays, because
 * the page of its transfer links to it
 */
export async function discard(on: Pool, id: string, seen: string | null = null) {
  await transaction(on, async (connection) => {
    const present = await find(connection, id, 'transfer', { lock: true }).catch(absent);
    if (present && seen !== null && seen !== seenOf(present)) {
      throw new Conflict(
        'Another user changed this selection after this page was shown. Open it, and remove it again if nobody needs it.',
      );
    }
    if (await activeOf(connection, id)) {
      throw new Conflict('It is scheduled. Cancel its schedule on its page first.');
    }
    const found = await run(
      connection,
      sql`delete from selection
           where id = ${id} and kind = 'transfer'
             and ${isUnsent}`,
    );
    if (found === 0) throw new Conflict('It was already sent or removed.');
  });
}

function absent(error: unknown): null {
  if (error instanceof NotFound) return null;
  throw error;
}
