// Lists the tables and collections that store the rows of the catalogue. Database grants, backups and refreshes include
// only these tables and collections.
import { isDocument, linksOf } from './entity.ts';
import { catalog } from './index.ts';

export type CatalogTables = {
  /** The MySQL tables: for each entity its table, then the tables of its links. */
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
