// Reads both databases of an environment after a crash and lists inconsistencies.
import { canonical } from '../../src/catalog/content.ts';
import { keyText } from '../../src/catalog/entity.ts';
import { catalog } from '../../src/catalog/index.ts';
import { select, sql } from '../../src/database/sql.ts';
import type { Databases, Environment } from '../../src/environments/environment.ts';
import { walk } from '../../src/rows/store.ts';
import { overStates } from '../../src/writing/journal.ts';

/**
 * The content of every row of the catalogue, with its links and without timestamps. The key is the row’s key as text
 * (`form:1`), the value its content as canonical text.
 */
export type Contents = Map<string, string>;

export async function contents(place: Databases): Promise<Contents> {
  const found: Contents = new Map();
  for (const entity of catalog) {
    for await (const rows of walk(place, entity, 0, 1000)) {
      for (const row of rows) {
        found.set(keyText({ entity: entity.name, id: row.id }), canonical(entity, row));
      }
    }
  }
  return found;
}

/**
 * An inconsistency after a crash. `half-applied`: some rows are as before the write and others as after it.
 * `overwritten`: another user’s value was lost. `stuck`: an unfinished transfer, or its claim on a row (which keeps
 * other writers out), that no process will resume.
 */
export type Finding = { kind: 'half-applied' | 'overwritten' | 'stuck'; what: string };

export type Expected = {
  before: Contents;
  after: Contents;
  /**
   * The contents of rows that another user wrote during the write under test, by row key. A writer must not overwrite
   * them.
   */
  foreign?: Contents;
};

export async function findings(
  origin: Environment,
  destination: Environment,
  { before, after, foreign = new Map() }: Expected,
): Promise<Finding[]> {
  const now = await contents(destination);
  const found: Finding[] = [];
  const keys = [...new Set([...before.keys(), ...after.keys(), ...now.keys()])].filter(
    (key) => !foreign.has(key),
  );
  const moved = keys.filter((key) => before.get(key) !== after.get(key));
  const asAfter = moved.filter((key) => now.get(key) === after.get(key));
  const asBefore = moved.filter((key) => now.get(key) === before.get(key));
  if (asAfter.length > 0 && asBefore.length > 0) {
    found.push({
      kind: 'half-applied',
      what: `${asAfter.join(', ')} but not ${asBefore.join(', ')}`,
    });
  }
  for (const key of keys) {
    if (now.get(key) !== before.get(key) && now.get(key) !== after.get(key)) {
      found.push({ kind: 'half-applied', what: `${key} is neither as before nor as after` });
    }
  }
  for (const [key, value] of foreign) {
    if (now.get(key) !== value) found.push({ kind: 'overwritten', what: key });
  }
  return [...found, ...(await stuck(origin, destination))];
}

async function stuck(origin: Environment, destination: Environment): Promise<Finding[]> {
  const live = await select<{ number: number; state: string }>(
    origin.sql,
    sql`select number, state from transfer where state not in (${overStates})`,
  );
  const claims = await select<{ entity: string; row_id: number }>(
    destination.sql,
    sql`select entity, row_id from claim`,
  );
  return [
    ...live.map(({ number, state }) => `transfer ${number} is ${state}`),
    ...claims.map(({ entity, row_id }) => `a claim on ${entity}:${row_id}`),
  ].map((what) => ({ kind: 'stuck', what }));
}
