// Name mappings: the name of a city or partner here, and its different name at the destination.
import * as audit from '../audit/audit.ts';
import type { PoolConnection } from 'mysql2/promise';
import { hashOf } from '../catalog/content.ts';
import { first, run, sql, transaction } from '../database/sql.ts';
import { rowsLinkedWith } from '../rows/references.ts';
import { idsByName } from '../rows/names.ts';
import type { Environment } from '../environments/environment.ts';
import { Conflict } from '../problems.ts';
import { readMappings, withMappedNames, type Mapping } from '../state/name-mapping.ts';
import { updateStates } from '../state/row-state.ts';
import { addLines } from '../state/untouched.ts';

export type WantedMapping = {
  entity: string;
  name: string;
  /** The name at the destination; empty to remove the mapping. */
  there: string;
  /**
   * The name at the destination in the mapping that the page showed; empty if the page showed no
   * mapping. If undefined, any mapping is replaced.
   */
  was?: string | undefined;
};

/** The error when another user changed the mapping of a name after the page was shown. */
export class MappedMeanwhile extends Conflict {
  readonly mapping: Mapping;

  constructor(mapping: Mapping) {
    const { name, there, person } = mapping;
    super(`${name} is mapped to ${there} by ${person} already. Nothing was changed.`);
    this.mapping = mapping;
  }
}

/**
 * Maps a name here to a name at the destination, replaces the mapping that the page showed, and recomputes the hashes
 * of linked rows.
 * @throws MappedMeanwhile when another user has changed the mapping after the page was shown
 */
export async function mapName(here: Environment, person: string, wanted: WantedMapping) {
  const { entity, name, there, was } = wanted;
  await transaction(here.sql, async (connection) => {
    const present = await first<Mapping>(
      connection,
      sql`select * from name_mapping where entity = ${entity} and name = ${name} for update`,
    );
    if (present?.there === there) return;
    if (present && was !== undefined && present.there !== was) throw new MappedMeanwhile(present);
    if (!present && there === '') return;
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
    await audit.write(connection, {
      person,
      action: there === '' ? 'unmapped' : 'mapped',
      subject: name,
      detail: there === '' ? null : `${entity}: ${name} is ${there} there`,
    });
  });
}

/**
 * Recomputes the recorded hashes of all rows that are linked with a name. The hashes contain linked names as the
 * destination spells them, so they change with the mapping of a name.
 */
async function countAnew(
  here: Environment,
  connection: PoolConnection,
  kind: string,
  name: string,
) {
  const ids = (await idsByName(connection, kind, [name])).get(name) ?? [];
  const mappings = await readMappings(connection);
  const place = { sql: connection, documents: here.documents };
  const linked = await rowsLinkedWith(place, kind, ids);
  await addLines(
    place,
    linked.map(({ entity, row }) => ({ entity: entity.name, id: row.id })),
  );
  for (const { entity, row } of linked) {
    const hash = hashOf(entity, withMappedNames(entity, row, mappings));
    await updateStates(
      connection,
      sql`update row_state set hash = ${hash} where entity = ${entity.name} and row_id = ${row.id}`,
    );
  }
}
