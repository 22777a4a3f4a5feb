// Maps the name of a linked row to its name at the destination.
import * as audit from '../audit/audit.ts';
import type { PoolConnection } from 'mysql2/promise';
import { hashOf } from '../catalog/content.ts';
import { run, sql, transaction } from '../database/sql.ts';
import { rowsLinkedWith } from '../rows/references.ts';
import { idsByName } from '../rows/names.ts';
import type { Environment } from '../environments/environment.ts';
import { invalidateAll } from '../state/checked-chunks.ts';
import { withMappedNames, readMappings } from '../state/name-mapping.ts';
import { updateStates } from '../state/row-state.ts';

/**
 * Maps a name here to a name at the destination, replacing an earlier mapping, and recomputes the hashes
 * of linked rows.
 */
export async function mapName(
  here: Environment,
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
    await invalidateAll(connection);
    await audit.write(connection, {
      person,
      action: there === '' ? 'unmapped' : 'mapped',
      subject: name,
      detail: there === '' ? null : `${entity}: ${name} is ${there} there`,
    });
  });
}

/** Hashes use the destination's names, so they change with a mapping. */
async function countAnew(
  here: Environment,
  connection: PoolConnection,
  kind: string,
  name: string,
) {
  const ids = (await idsByName(connection, kind, [name])).get(name) ?? [];
  const mappings = await readMappings(connection);
  const place = { sql: connection, documents: here.documents };
  for (const { entity, row } of await rowsLinkedWith(place, kind, ids)) {
    const hash = hashOf(entity, withMappedNames(entity, row, mappings));
    await updateStates(
      connection,
      sql`update row_state set hash = ${hash} where entity = ${entity.name} and row_id = ${row.id}`,
    );
  }
}
