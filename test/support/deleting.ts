import { entityNamed } from '../../src/catalog/index.ts';
import type { RowKey } from '../../src/catalog/entity.ts';
import type { App } from '../../src/environments/app.ts';
import { remove } from '../../src/editing/deletions.ts';
import { writeContextOf, pm } from './rows.ts';

/** Deletes a row as a product manager does. */
export const deletions = (here: App, { entity, id }: RowKey) =>
  remove(writeContextOf(here), pm, entityNamed(entity), id);
