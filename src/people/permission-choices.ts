// Prepares the checkboxes for permissions, for the page of a person and for the page that invites a new person.
import { inWords, labelsOf } from '../access/permission-words.ts';
import { grantable, permissionNames } from '../access/permissions.ts';
import type { EnvironmentSetup } from '../environments/rules.ts';

/**
 * Lists all permissions, with those of `granted` ticked. `neverGranted` names those that nobody can have in this
 * environment.
 */
export function permissionChoices(place: EnvironmentSetup, granted: readonly string[]) {
  const offered = grantable(place);
  return {
    permissions: permissionNames.map((name) => ({
      ...inWords(name),
      isGranted: granted.includes(name),
      isOffered: offered.includes(name),
    })),
    neverGranted: labelsOf(permissionNames.filter((name) => !offered.includes(name))),
  };
}
