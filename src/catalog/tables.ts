// Where the catalogue's rows are kept: what “the catalogue only” means for grants, backups and refreshes.
import { isDocument, linksOf } from './entity.ts';
import { catalog } from './index.ts';

export type CatalogTables = {
  /** MySQL tables; each entity's own, then those of its links. */
  mysql: string[];
  /** MongoDB collections. */
  mongo: string[];
};

export const catalogTables = (): CatalogTables => ({
  mysql: catalog
    .filter((entity) => !isDocument(entity))
    .flatMap((entity) => [entity.table, ...linksOf(entity).map(({ links }) => links.through)]),
  mongo: catalog.filter(isDocument).map(({ table }) => table),
});
