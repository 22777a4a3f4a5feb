// Where rows of the catalogue are stored: the tables that grants, backups and refreshes mean by “the catalogue only”.
import { isDocument, linksOf } from './entity.ts';
import { catalog } from './index.ts';

export type CatalogTables = {
  /** The MySQL tables: each entity’s own, then those of its links. */
  mysql: string[];
  /** The MongoDB collections of the catalogue. */
  mongo: string[];
};

export const catalogTables = (): CatalogTables => ({
  mysql: catalog
    .filter((entity) => !isDocument(entity))
    .flatMap((entity) => [entity.table, ...linksOf(entity).map(({ links }) => links.through)]),
  mongo: catalog.filter(isDocument).map(({ table }) => table),
});
