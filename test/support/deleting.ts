import { entityNamed } from '../../src/catalog/index.ts';
import type { RowKey } from '../../src/catalog/entity.ts';
import type { Here } from '../../src/environments/app.ts';
import { remove } from '../../src/editing/deletions.ts';
import { homeOf, pm } from './rows.ts';

/** Deletes a row as a product manager does. */
export const deletions = (here: Here, { entity, id }: RowKey) =>
  remove(homeOf(here), pm, entityNamed(entity), id);
