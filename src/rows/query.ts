// Queries for rows, and the functions that both stores (MySQL and MongoDB) implement for them.
import type { Entity, Row } from '../catalog/entity.ts';
import type { Value } from '../catalog/fields.ts';
import type { Databases } from '../environments/environment.ts';

export type RowOrder = { field: string; descending: boolean };
export const byId: RowOrder = { field: 'id', descending: false };

export type Query = {
  search: string;
  filters: Record<string, Value>;
  /** If given, only rows with these ids are found. */
  ids?: number[];
  /** If given, only rows that were last changed at `from` or later, and before `to`. */
  modified?: { from: string | null; to: string | null };
  sort: RowOrder;
  limit: number;
  offset: number;
};
/** The conditions of a query, without its sort order and without the choice of a page of results. */
export type RowFilter = Pick<Query, 'search' | 'filters' | 'ids' | 'modified'>;

/** Whether a filter has any condition; without one, it matches all rows of its entity. */
export const isNarrowed = ({ search, filters, ids, modified }: RowFilter): boolean =>
  ids !== undefined || modified !== undefined || search !== '' || Object.keys(filters).length > 0;

export type FoundRows = { rows: Row[]; total: number };

/**
 * A position in the list of rows in order of their last change: the timestamp and id of the last row that was read.
 */
export type Cursor = { modifiedAfter: string; after: number };

/**
 * A page or report lists at most this many rows and documents that cannot be read because their id is no whole number.
 */
export const UNREADABLE = 100;

/** The functions that read rows; there is one such object for MySQL and one for MongoDB. */
export type Store = {
  read(from: Databases, entity: Entity, ids: number[]): Promise<Row[]>;
  /** Reads the rows whose reference `field` points to one of `targets`. */
  readBy(from: Databases, entity: Entity, field: string, targets: number[]): Promise<Row[]>;
  /** Reads all rows above an id, in order of id and in parts of `size` rows. */
  walk(from: Databases, entity: Entity, after: number, size: number): AsyncGenerator<Row[]>;
  /** Reads the next `limit` rows after the cursor, in the order of (modified_at, id). */
  readChangedAfter(from: Databases, entity: Entity, cursor: Cursor, limit: number): Promise<Row[]>;
  count(from: Databases, entity: Entity): Promise<number>;
  find(from: Databases, entity: Entity, query: Query): Promise<FoundRows>;
  findIds(from: Databases, entity: Entity, filter: RowFilter, sort?: RowOrder): Promise<number[]>;
  /** Finds rows whose field may equal one of these names; the caller must compare the names exactly. */
  withNames(
    from: Databases,
    entity: Entity,
    field: string,
    names: string[],
  ): Promise<{ id: number; value: string }[]>;
  /**
   * Describes the rows and documents that cannot be read because their id is no whole number that JavaScript can
   * represent.
   */
  unreadable(from: Databases, entity: Entity): Promise<string[]>;
};
