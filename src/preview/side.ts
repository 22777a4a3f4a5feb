// Reads the rows from which a preview is made: as they are stored now, or as they will be after a transfer.
import { keyText, type Entity, type Row, type RowKey } from '../catalog/entity.ts';
import type { Databases } from '../environments/environment.ts';
import { read, readBy } from '../rows/store.ts';

export type Side = {
  one(entity: string, id: unknown): Promise<Row | null>;
  /** The rows of an entity whose reference `field` points to the row `id`. */
  by(entity: Entity, field: string, id: number): Promise<Row[]>;
};

/** Returns a reader of the rows as they are stored now. `known`: a row that was read already. */
export const storedIn = (place: Databases, known?: { key: RowKey; row: Row }): Side => ({
  one: async (entity, id) => {
    if (typeof id !== 'number') return null;
    const key = { entity, id };
    if (known && keyText(known.key) === keyText(key)) return known.row;
    return (await read(place, [key])).get(keyText(key)) ?? null;
  },
  by: (entity, field, id) => readBy(place, entity, field, [id]),
});

type Written = RowKey & { after: Row | null };

/**
 * Returns a reader of the rows as they will be after a transfer. `steps`: the rows that the transfer writes. All other
 * rows are read as they are stored now.
 */
export function afterSteps(stored: Side, steps: readonly Written[]): Side {
  const written = new Map(steps.map((step) => [keyText(step), step.after]));
  return {
    one: async (entity, id) => {
      const after = written.get(`${entity}:${String(id)}`);
      return after === undefined ? stored.one(entity, id) : after;
    },
    by: async (entity, field, id) => {
      const others = await stored.by(entity, field, id);
      const own = steps.flatMap(({ entity: name, after }) =>
        name === entity.name && after?.[field] === id ? [after] : [],
      );
      return [
        ...others.filter((row) => !written.has(keyText({ entity: entity.name, id: row.id }))),
        ...own,
      ];
    },
  };
}
