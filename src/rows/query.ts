// Queries for rows, and the interface that both stores implement.
import type { Entity, Row } from '../catalog/entity.ts';
import type { Value } from '../catalog/fields.ts';
import type { Databases } from '../environments/environment.ts';

export type Query = {
  search: string;
  filters: Record<string, Value>;
  /** Restricts the query to rows with these ids. */
  ids?: number[];
  sort: { field: string; descending: boolean };
  limit: number;
  offset: number;
};
/** Which rows are requested, regardless of sort order and page. */
export type RowFilter = Pick<Query, 'search' | 'filters' | 'ids'>;
export type FoundRows = { rows: Row[]; total: number };

/** A cursor for paging through rows in the order of their last change. */
export type Cursor = { modifiedAfter: string; after: number };

/** The most unreadable rows and documents that are listed. */
export const UNREADABLE = 100;

/** The interface for reading rows, implemented for MySQL and for MongoDB. */
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
  /** Rows whose field may equal one of these names; the caller must compare exactly. */
  withNames(
    from: Databases,
    entity: Entity,
    field: string,
    names: string[],
  ): Promise<{ id: number; value: string }[]>;
  /** Rows and documents whose id cannot be a row id, each described. */
  unreadable(from: Databases, entity: Entity): Promise<string[]>;
};
