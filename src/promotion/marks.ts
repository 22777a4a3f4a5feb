// What people say about a row's way: engineering's work may go (adopted), or the row stays out (on hold).
import * as audit from '../audit/audit.ts';
import type { PoolConnection } from 'mysql2/promise';
import { hashOf } from '../catalog/content.ts';
import { keyText, type RowKey } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { run, sql, transaction } from '../database/sql.ts';
import { rowsLinkedWith } from '../environments/links.ts';
import { idsByName } from '../environments/names.ts';
import type { Stop } from '../environments/place.ts';
import { Conflict, NotFound } from '../problems.ts';
import { forgetAll } from '../journal/checked.ts';
import { inTheirWords, readMappings } from '../journal/mappings.ts';
import { readStates } from '../journal/row-states.ts';

/**
 * A product manager takes over what engineering changed in a row and its dependents. `seen` is the moment of
 * the last such change that the page showed: what was saved later is not adopted unseen.
 */
export async function adopt(here: Stop, person: string, key: RowKey, seen: string) {
  await transaction(here.sql, async (connection) => {
    const own = (await readStates(connection, [key])).get(keyText(key));
    if (!own) throw new NotFound(`${entityNamed(key.entity).label.one} ${key.id} is not here.`);
    const root = { entity: own.root_entity, id: own.root_id };
    const state = (await readStates(connection, [root], { lock: true })).get(keyText(root)) ?? own;
    if (state.engineering_at !== seen) {
      throw new Conflict(
        state.engineering_by
          ? `“${state.title}” was saved again by ${state.engineering_by}. Look at it once more before you adopt it.`
          : `“${state.title}” has no work of engineering any more.`,
      );
    }
    await run(
      connection,
      sql`update row_state
             set engineering_by = null, engineering_at = null, engineering_fields = null,
                 adopted_by = ${person}, adopted_at = utc_timestamp(3)
           where root_entity = ${root.entity} and root_id = ${root.id} and engineering_by is not null`,
    );
    await audit.write(connection, {
      person,
      action: 'adopted',
      subject: state.title,
      detail: `Work by ${state.engineering_by}, last changed ${seen} UTC`,
      row: root,
    });
  });
}

/** *Not for production*: out of every count of what waits, and not sent until it is lifted. */
export async function hold(here: Stop, person: string, key: RowKey, reason: string | null) {
  await transaction(here.sql, async (connection) => {
    const found = await run(
      connection,
      sql`update row_state
             set held_by = ${person}, held_at = utc_timestamp(3), held_reason = ${reason}
           where entity = ${key.entity} and row_id = ${key.id} and held_at is null`,
    );
    if (found > 0) await note(connection, person, 'held back', key, reason);
  });
}

export async function liftHold(here: Stop, person: string, key: RowKey) {
  await transaction(here.sql, async (connection) => {
    const found = await run(
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

/** Says that a name here stands for another there; replaces an earlier mapping. Rows linked with it count anew. */
export async function mapName(
  here: Stop,
  person: string,
  { entity, name, there }: { entity: string; name: string; there: string },
) {
  await transaction(here.sql, async (connection) => {
    if (there === '') {
      await run(
        connection,
        sql`delete from name_mapping where entity = ${entity} and name = ${name}`,
      );
    } else {
      await run(
        connection,
        sql`insert into name_mapping (entity, name, there, person)
            values (${entity}, ${name}, ${there}, ${person})
            on duplicate key update there = values(there), person = values(person), at = now(3)`,
      );
    }
    await countAnew(here, connection, entity, name);
    await forgetAll(connection);
    await audit.write(connection, {
      person,
      action: there === '' ? 'unmapped' : 'mapped',
      subject: name,
      detail: there === '' ? null : `${entity}: ${name} is ${there} there`,
    });
  });
}

/** The hash of a row is in the destination's words, so it changes with a mapping. */
async function countAnew(here: Stop, connection: PoolConnection, kind: string, name: string) {
  const ids = (await idsByName(connection, kind, [name])).get(name) ?? [];
  const mappings = await readMappings(connection);
  const place = { sql: connection, documents: here.documents };
  for (const { entity, row } of await rowsLinkedWith(place, kind, ids)) {
    const hash = hashOf(entity, inTheirWords(entity, row, mappings));
    await run(
      connection,
      sql`update row_state set hash = ${hash} where entity = ${entity.name} and row_id = ${row.id}`,
    );
  }
}
