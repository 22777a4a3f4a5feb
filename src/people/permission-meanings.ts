import type { Permission } from '../access/permissions.ts';

/** Describes what each permission allows, for the pages that list them. */
export const meaningOf: Record<Permission, string> = {
  product_manager: 'edits and transfers rows',
  editor: 'edits rows; a product manager reviews the changes before they are transferred',
  administrator: 'manages people',
  on_call: 'undoes transfers when on call',
  run_staging: 'Admin Light / Run Staging: orders and drops staging databases',
  data_manager: 'uploads, loads and restores data files, and runs sources and pipelines',
  account_moves: 'migrates accounts from the older system, and reads their messages',
};
