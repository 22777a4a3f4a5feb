// Counts a person’s unread messages in the other environments that this environment can read: its destination and
// production. The text of a message stays in its environment, because an account with the same e-mail in another
// environment need not belong to the same person.
import { lastKnown } from '../database/last-known.ts';
import { unwillingness } from '../database/unwillingness.ts';
import type { App } from '../environments/app.ts';
import type { Environment } from '../environments/environment.ts';
import { tryFarSide } from '../environments/far-side.ts';
import { ladder, rulesOf, type EnvironmentName } from '../environments/rules.ts';
import { unread } from './channels/in-app.ts';

export type UnreadElsewhere = {
  name: EnvironmentName;
  label: string;
  inText: string;
  /** The URL of the page Messages in the other environment; null if the settings have no URL of that environment. */
  href: string | null;
  /**
   * The number of unread messages; null if it is not known. `trouble`: why the number is not known, for example because
   * the environment cannot be reached; null while its answer is awaited.
   */
  unread: number | null;
  trouble: string | null;
};

/**
 * Counts the unread messages of a person in the other environments. Waits at most `patience` milliseconds for their
 * answers, and returns the last known number for an environment that has not answered by then.
 */
export const unreadElsewhere = (here: App, person: string, patience: number) =>
  Promise.all(
    readableFrom(here).map(async (there): Promise<UnreadElsewhere> => {
      const known = await lastKnown(there.sql, `unread messages of ${person}`, patience, () =>
        tryFarSide(there, here.log, () => unread(there.sql, person).catch(nullIfDenied)),
      );
      const { answer = null, trouble = null } = known?.answer ?? {};
      const isDenied = known !== null && answer === null && trouble === null;
      return {
        ...placeOf(here, there.name),
        unread: answer,
        trouble: isDenied ? `${there.rules.label} does not grant that these are counted.` : trouble,
      };
    }),
  );

/**
 * Returns null for an error of denied access, because a database that was just updated may not have its new grants yet.
 * If this error were thrown, the environment would count as failing, and pages would not read it for a while.
 */
function nullIfDenied(error: unknown): null {
  if (unwillingness(error) === 'denied') return null;
  throw error;
}

/** The other environments that this environment has a connection to, in the order in which rows pass through them. */
function readableFrom({ name, destination, source }: App): Environment[] {
  const others = [destination, source].filter((one) => one !== null && one.name !== name);
  const byName = new Map(others.map((one) => [one?.name, one]));
  return ladder.flatMap((one) => byName.get(one) ?? []);
}

/** The environments whose messages this environment cannot count, because it has no connection to them. */
export function unreadableFrom(
  here: App,
): Pick<UnreadElsewhere, 'name' | 'label' | 'inText' | 'href'>[] {
  const known = [here.name, ...readableFrom(here).map(({ name }) => name)];
  return ladder.filter((name) => !known.includes(name)).map((name) => placeOf(here, name));
}

function placeOf({ settings }: App, name: EnvironmentName) {
  const { label, inText } = rulesOf(name);
  const url = settings.urls[name];
  return { name, label, inText, href: url ? `${url}/messages` : null };
}
