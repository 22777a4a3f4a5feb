// The labels of the permissions and what they allow, for all pages and messages. On pages, the permission names of the
// code appear only in small type.
import type { Permission } from './permissions.ts';

type Words = {
  label: string;
  /** What the permission allows, in one sentence. */
  allows: string;
};

const words: Record<Permission, Words> = {
  product_manager: {
    label: 'Product manager',
    allows: 'Edits rows, transfers them to the next environment, and undoes transfers.',
  },
  editor: {
    label: 'Editor',
    allows: 'Edits rows; a product manager reviews the changes before they are transferred.',
  },
  administrator: {
    label: 'Administrator',
    allows: 'Invites people, gives permissions, closes accounts, makes API keys, starts a refresh.',
  },
  on_call: {
    label: 'On call',
    allows: 'Undoes transfers, and decides how interrupted transfers continue.',
  },
  run_staging: {
    label: 'Run staging',
    allows: 'Orders and drops staging databases (Admin Light / Run Staging).',
  },
  data_manager: {
    label: 'Data manager',
    allows: 'Uploads, loads and restores data files, and runs sources and pipelines.',
  },
  account_moves: {
    label: 'Account migrations',
    allows: 'Migrates accounts from the older system, and reads their messages.',
  },
};

/** Lists permissions by their labels, such as “Editor, Product manager”. */
export const labelsOf = (permissions: readonly Permission[], between = ', '): string =>
  permissions.map((one) => words[one].label).join(between);

/** Describes what a person may do. A person without permissions may still look at everything. */
export const rightsInWords = (permissions: readonly Permission[]): string =>
  labelsOf(permissions) || 'View only';

/** A permission as pages list it: its name in the code, its label, and what it allows. */
export const inWords = (name: Permission) => ({ name, ...words[name] });
