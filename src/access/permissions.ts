// Decides who may do what in which environment. All permission checks go through these pure functions.
import type { EnvironmentSetup } from '../environments/rules.ts';

export const permissionNames = [
  'product_manager',
  'editor',
  'administrator',
  'on_call',
  'run_staging',
  'data_manager',
  'account_moves',
] as const;
export type Permission = (typeof permissionNames)[number];

export const isPermission = (name: string): name is Permission =>
  permissionNames.some((one) => one === name);

export type Account = {
  id: number;
  email: string;
  name: string;
  permissions: Permission[];
  /** In which time zone the person reads times; null or missing if it is not known. */
  zone?: string | null;
};

export type Ability =
  | 'look'
  | 'edit'
  | 'transfer'
  | 'undo'
  | 'settle'
  | 'restore'
  | 'take-over'
  | 'refresh'
  | 'judge'
  | 'administer'
  | 'run-staging'
  | 'manage-data'
  | 'move-accounts'
  | 'read-inbox';

/**
 * Whether rows can be edited in this environment: in staging and development, and anywhere with IS_STAGING_ALWAYS.
 */
export const isStaging = ({ rules, isStagingAlways }: EnvironmentSetup): boolean =>
  isStagingAlways || rules.isEdited;

/**
 * Whether the setting IS_STAGING_ALWAYS opened editing in an environment where nobody may normally
 * edit.
 */
export const isOpenedForEditing = (place: EnvironmentSetup): boolean =>
  isStaging(place) && !place.rules.isEdited;

export function may(
  { permissions, email }: Pick<Account, 'permissions'> & Partial<Pick<Account, 'email'>>,
  ability: Ability,
  place: EnvironmentSetup,
) {
  switch (ability) {
    case 'look':
      return true;
    case 'edit':
      return (
        (isStaging(place) && permissions.some((one) => editors.includes(one))) ||
        (place.orderedBy === email && email !== undefined) ||
        (place.orderedBy !== undefined && permissions.includes('run_staging'))
      );
    case 'transfer':
      return place.hasDestination && permissions.includes('product_manager');
    case 'undo':
      return place.hasDestination && permissions.some((one) => undoers.includes(one));
    case 'settle':
      return permissions.some((one) => undoers.includes(one));
    case 'restore':
      return place.hasSource && isStaging(place) && permissions.includes('product_manager');
    case 'take-over':
      return place.hasDestination && isStaging(place) && permissions.includes('product_manager');
    case 'refresh':
      return place.hasSource && permissions.some((one) => refreshers.includes(one));
    case 'judge':
      return place.rules.isTested;
    case 'administer':
      return permissions.includes('administrator');
    case 'run-staging':
      return permissions.includes('run_staging');
    case 'manage-data':
      return permissions.includes('data_manager');
    case 'move-accounts':
    case 'read-inbox':
      return permissions.includes('account_moves');
  }
}

const editors: Permission[] = ['editor', 'product_manager'];
/**
 * The permissions that allow undoing a transfer. People on call may undo, too, because an undo
 * sends no new content.
 */
const undoers: Permission[] = ['product_manager', 'on_call'];

/**
 * The permissions that allow starting a refresh. Administrators may start one, too, because a
 * refresh loses nobody’s work.
 */
const refreshers: Permission[] = ['product_manager', 'administrator'];

/** The permissions that an administrator may grant in this environment. */
export const grantable = ({ rules }: EnvironmentSetup): Permission[] =>
  permissionNames.filter((name) => !rules.neverGranted.includes(name));
