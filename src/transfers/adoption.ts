// Adoption: a product manager takes over changes that an engineer made to a row, so that they can be sent.
import * as audit from '../audit/audit.ts';
import { keyText, type RowKey } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { sql, transaction } from '../database/sql.ts';
import type { Environment } from '../environments/environment.ts';
import { Conflict, NotFound } from '../problems.ts';
import { readStates, updateStates } from '../state/row-state.ts';

/**
 * Adopts the changes that engineers made to a row and its dependent rows. `seen`: the time of the last such change that
 * the page showed.
 * @throws Conflict when an engineer changed the row later, so that nobody adopts a change without having seen it
 */
export async function adopt(here: Environment, person: string, key: RowKey, seen: string) {
  await transaction(here.sql, async (connection) => {
    const own = (await readStates(connection, [key])).get(keyText(key));
    if (!own) throw new NotFound(`${entityNamed(key.entity).label.one} ${key.id} is not here.`);
    const root = { entity: own.root_entity, id: own.root_id };
    const state = (await readStates(connection, [root], { lock: true })).get(keyText(root)) ?? own;
    if (state.engineering_at !== seen) {
      throw new Conflict(
        state.engineering_by
          ? `“${state.title}” was saved again by ${state.engineering_by}. Review it again before you adopt it.`
          : `“${state.title}” has no work of engineering any more.`,
      );
    }
    await updateStates(
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
