// Says in words who may do what, for refusals.
import type { EnvironmentSetup } from '../environments/rules.ts';
import { labelsOf } from './permission-words.ts';
import { isStaging, type Ability, type Permission } from './permissions.ts';

/** Says that an action needs one of these permissions: `onlyWith(['editor'], 'edit here')`. */
const onlyWith = (permissions: Permission[], action: string): string =>
  `Only people with the permission ${labelsOf(permissions, ' or ')} may ${action}. An administrator gives permissions on the People page.`;

/**
 * Says which permission a person needs for this action, or why nobody may do it in this
 * environment.
 */
export function whoMay(ability: Ability, place: EnvironmentSetup): string {
  const { label } = place.rules;
  switch (ability) {
    case 'look':
      return 'Everyone who is signed in may view.';
    case 'edit':
      return isStaging(place)
        ? onlyWith(['editor', 'product_manager'], 'edit here')
        : `${label} is read only: nobody may edit here. Make changes in staging, then transfer them.`;
    case 'transfer':
      return place.hasDestination
        ? onlyWith(['product_manager'], 'transfer')
        : `Nothing is transferred out of ${label.toLowerCase()}.`;
    case 'undo':
      return place.hasDestination
        ? onlyWith(['product_manager', 'on_call'], 'undo')
        : `Nothing is transferred out of ${label.toLowerCase()}, so nothing is undone from here.`;
    case 'settle':
      return onlyWith(['product_manager', 'on_call'], 'decide this');
    case 'restore':
      return place.hasSource && isStaging(place)
        ? onlyWith(['product_manager'], 'restore rows')
        : `Rows are restored from production in staging only.`;
    case 'take-over':
      return place.hasDestination && isStaging(place)
        ? onlyWith(['product_manager'], 'take over rows from the next environment')
        : `Rows are taken over where they are edited, in staging.`;
    case 'refresh':
      return place.hasSource
        ? onlyWith(['product_manager', 'administrator'], 'refresh this environment')
        : `${label} is not refreshed.`;
    case 'judge':
      return 'Rows are marked Works or Does not work in pre-production.';
    case 'administer':
      return onlyWith(['administrator'], 'do this');
    case 'run-staging':
      return onlyWith(['run_staging'], 'order and drop staging databases');
    case 'manage-data':
      return onlyWith(['data_manager'], 'upload, load and restore data files');
    case 'move-accounts':
      return onlyWith(['account_moves'], 'migrate accounts');
    case 'read-inbox':
      return onlyWith(['account_moves'], 'read the messages of an account');
  }
}
