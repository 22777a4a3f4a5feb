// API keys of apps: bearer credentials whose scopes are entities of the catalogue, and a few more.
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

/** For how many days the former key can work after a rotation; with `0` it ends at once. */
export const graceDays = ['0', '1', '7', '30'] as const;

const AREA = 'catalog';
export const scopeOf = (entity: string): string => `${AREA}:${entity}`;

/**
 * The scopes outside the catalogue, with their labels: “everything” includes none of them. Each `secrets:…` allows to
 * read the secrets of one entity in clear text.
 */
export const separateScopes: readonly (readonly [scope: string, label: string])[] = [
  ...entitiesWithSecrets().map((one) => [secretScopeOf(one.name), secretsLabel(one)] as const),
  [ACCOUNT_MOVES, 'Account migrations of every account: start, follow, read the inbox'],
];
const separate = separateScopes.map(([scope]) => scope);
const scopeOfChoice = (choice: string) => (separate.includes(choice) ? choice : scopeOf(choice));

/** What an app may read, as a text; a scope outside the catalogue is shown as it is. */
export const readsOf = ({ scopes }: Pick<credentials.Credential, 'scopes'>): string =>
  scopes.map(readOf).join(', ');

const labels = new Map([
  ...catalog.map(({ name, label }) => [scopeOf(name), label.one] as const),
  ...separateScopes,
]);
const readOf = (scope: string) =>
  scope === scopeOf(EVERYTHING) ? 'Everything' : (labels.get(scope) ?? scope);

/** The schema of the last day of a key, in UTC; empty means that the key does not expire. */
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
 * Creates a key and returns its secret, which cannot be read afterwards.
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
  // Without the id of the key that the page showed, 0 is taken, which no key has: the post then replaces none.
  seen: z.coerce.number().int().positive().catch(0),
});

/**
 * Creates a second key.
 * @throws Invalid, or Conflict when there are already two
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
