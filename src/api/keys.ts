// Creates and rotates the API keys of apps. Most scopes of such a key name entities of the catalogue that the app may
// read.
import { z } from 'zod';
import * as credentials from '../access/credentials.ts';
import { ACCOUNT_MOVES } from '../access/scopes.ts';
import { catalog } from '../catalog/index.ts';
import { endOfDay } from '../catalog/instant.ts';
import type { App } from '../environments/app.ts';
import { parsed } from '../problems.ts';
import { entitiesWithSecrets, secretScopeOf, secretsLabel } from './secrets.ts';
import { requiredLine } from '../typed-text.ts';

/** The scope for all entities of the catalogue, including those added later. */
export const EVERYTHING = '*';

/**
 * The choices for how many days the old key works after a rotation; with `0` the old key ends at
 * once.
 */
export const graceDays = ['0', '1', '7', '30'] as const;

const AREA = 'catalog';
export const scopeOf = (entity: string): string => `${AREA}:${entity}`;

/**
 * The scopes that do not name an entity of the catalogue, with their labels. A key with the scope “everything” has none
 * of these scopes. Each scope `secrets:…` allows an app to read the secrets of one entity in clear text.
 */
export const separateScopes: readonly (readonly [scope: string, label: string])[] = [
  ...entitiesWithSecrets().map((one) => [secretScopeOf(one.name), secretsLabel(one)] as const),
  [ACCOUNT_MOVES, 'Account migrations of every account: start, follow, read the inbox'],
];
const separate = separateScopes.map(([scope]) => scope);
const scopeOfChoice = (choice: string) => (separate.includes(choice) ? choice : scopeOf(choice));

/** Describes in words what an app may read. A scope without a label is shown as it is. */
export const readsOf = ({ scopes }: Pick<credentials.Credential, 'scopes'>): string =>
  scopes.map(readOf).join(', ');

const labels = new Map([
  ...catalog.map(({ name, label }) => [scopeOf(name), label.one] as const),
  ...separateScopes,
]);
const readOf = (scope: string) =>
  scope === scopeOf(EVERYTHING) ? 'Everything' : (labels.get(scope) ?? scope);

/**
 * The schema of the last day on which a key works, in UTC; an empty value means that the key does
 * not expire.
 */
export const lastDay = z
  .string()
  .default('')
  .refine((day) => day === '' || endOfDay(day) !== null, 'Enter a day')
  .transform((day) => (day === '' ? null : new Date(endOfDay(day) ?? '')));

const wantedKey = z.object({
  name: requiredLine('Enter the name of the app', 100),
  scopes: z
    .array(z.enum([EVERYTHING, ...catalog.map(({ name }) => name), ...separate]))
    .min(1, 'Choose what it may read'),
  expiresAt: lastDay,
});

/**
 * Creates an API key and returns its secret, which cannot be read later.
 * @throws Invalid with a message for each wrong field
 */
export async function create(
  here: App,
  by: string,
  posted: unknown,
  { isNameUnique = false } = {},
): Promise<string> {
  const wanted = parsed(wantedKey, posted);
  const { secret } = await credentials.create(here, by, {
    ...wanted,
    kind: 'bearer',
    scopes: wanted.scopes.map(scopeOfChoice),
    isNameUnique,
  });
  return secret;
}

const wantedRotation = z.object({
  graceDays: z.enum(graceDays).default('7'),
  expiresAt: lastDay,
  // If the posted form lacks the id of the key that the page showed, the id 0 is used. No key has the id 0, so the
  // rotation is refused.
  seen: z.coerce.number().int().positive().catch(0),
});

/**
 * Adds a second key to a credential; the old key keeps working for the chosen number of days.
 * @throws Invalid when a posted value is wrong, or Conflict when two keys work already
 */
export async function rotate(
  here: App,
  by: string,
  id: number,
  posted: unknown,
): Promise<credentials.Issued> {
  const { graceDays: days, ...wanted } = parsed(wantedRotation, posted);
  const graceHours = Number(days) * 24;
  return credentials.rotate(here, by, id, { graceHours, ...wanted });
}
