import { referencesOf, type Entity, type Row, type RowKey } from '../catalog/entity.ts';

/** Returns the keys of the rows that a row refers to. */
export const referredBy = (entity: Entity, row: Partial<Row>): RowKey[] =>
  referencesOf(entity).flatMap(({ field, to }) => {
    const id = row[field];
    return typeof id === 'number' && id > 0 ? [{ entity: to, id }] : [];
  });
