// Queries for rows, and what every store must answer.
import type { Entity, Row } from '../catalog/entity.ts';
import type { Value } from '../catalog/fields.ts';
import type { Databases } from '../environments/environment.ts';

export type Query = {
  search: string;
  filters: Record<string, Value>;
  /** Only these, when given. */
  ids?: number[];
  sort: { field: string; descending: boolean };
  limit: number;
  offset: number;
};
/** Which rows are meant, whatever their order and page. */
export type RowFilter = Pick<Query, 'search' | 'filters' | 'ids'>;
export type FoundRows = { rows: Row[]; total: number };

/** A cursor for paging through rows by the time of their last change. */
export type Cursor = { modifiedAfter: string; after: number };

/** How many unreadable rows and documents are listed. */
export const UNREADABLE = 100;

/** How the rows of one kind of database are read. */
export type Store = {
  read(from: Databases, entity: Entity, ids: number[], options: { lock?: boolean }): Promise<Row[]>;
  /** Rows whose reference `field` points to one of `targets`. */
  readBy(from: Databases, entity: Entity, field: string, targets: number[]): Promise<Row[]>;
  /** All rows above an id, in order of id and in parts of `size`. */
  walk(from: Databases, entity: Entity, after: number, size: number): AsyncGenerator<Row[]>;
  /** The next `limit` rows in the order of (modified_at, id). */
  readChangedAfter(from: Databases, entity: Entity, cursor: Cursor, limit: number): Promise<Row[]>;
  count(from: Databases, entity: Entity): Promise<number>;
  find(from: Databases, entity: Entity, query: Query): Promise<FoundRows>;
  findIds(from: Databases, entity: Entity, filter: RowFilter): Promise<number[]>;
  /** Rows whose field may be the same as one of these names; some may not be. */
  withNames(
    from: Databases,
    entity: Entity,
    field: string,
    names: string[],
  ): Promise<{ id: number; value: string }[]>;
  /** What has an ID that no row can have, described one by one. */
  unreadable(from: Databases, entity: Entity): Promise<string[]>;
};
