// Keys of apps: bearer credentials whose scopes are types of the catalogue.
import { z } from 'zod';
import * as credentials from '../access/credentials.ts';
import { catalog } from '../catalog/index.ts';
import { endOfDay } from '../catalog/instant.ts';
import type { App } from '../environments/app.ts';
import { parsed } from '../problems.ts';
import { entitiesWithSecrets, secretScopeOf, secretsLabel } from './secrets.ts';
import { requiredLine } from '../typed-text.ts';

/** Everything that is in the catalogue, also what comes into it later. */
export const EVERYTHING = '*';

/** How many days the former key may go on working after a rotation; `0` ends it at once. */
export const graceDays = ['0', '1', '7', '30'] as const;

const AREA = 'catalog';
export const scopeOf = (entity: string): string => `${AREA}:${entity}`;

/** What may be chosen beside the types, each a scope as it stands: their secrets in clear. */
const secretScopes = entitiesWithSecrets().map(({ name }) => secretScopeOf(name));
const scopeOfChoice = (choice: string) =>
  secretScopes.includes(choice) ? choice : scopeOf(choice);

/** What an app may read, for a person; a scope of another area stands as it is. */
export const readsOf = ({ scopes }: Pick<credentials.Credential, 'scopes'>): string =>
  scopes.map(readOf).join(', ');

const labels = new Map([
  ...catalog.map(({ name, label }) => [scopeOf(name), label.one] as const),
  ...entitiesWithSecrets().map((one) => [secretScopeOf(one.name), secretsLabel(one)] as const),
]);
const readOf = (scope: string) =>
  scope === scopeOf(EVERYTHING) ? 'Everything' : (labels.get(scope) ?? scope);

/** The day on which a key ends, in UTC; none when it is left empty. */
const lastDay = z
  .string()
  .default('')
  .refine((day) => day === '' || endOfDay(day) !== null, 'Enter a day')
  .transform((day) => (day === '' ? null : new Date(endOfDay(day) ?? '')));

const wantedKey = z.object({
  name: requiredLine('Enter the name of the app', 100),
  scopes: z
    .array(z.enum([EVERYTHING, ...catalog.map(({ name }) => name), ...secretScopes]))
    .min(1, 'Choose what it may read'),
  expiresAt: lastDay,
});

/**
 * Makes a key and answers its secret, which is nowhere afterwards.
 * @throws Invalid
 */
export async function create(here: App, by: string, posted: unknown): Promise<string> {
  const wanted = parsed(wantedKey, posted);
  const { secret } = await credentials.create(here, by, {
    ...wanted,
    kind: 'bearer',
    scopes: wanted.scopes.map(scopeOfChoice),
  });
  return secret;
}

const wantedRotation = z.object({
  graceDays: z.enum(graceDays).default('7'),
  expiresAt: lastDay,
  seen: z.coerce.number().int().positive().nullable().catch(null),
});

/**
 * Makes a second key and answers its secret.
 * @throws Invalid, or Conflict when there are two already
 */
export async function rotate(here: App, by: string, id: number, posted: unknown): Promise<string> {
  const { graceDays: days, ...wanted } = parsed(wantedRotation, posted);
  const graceHours = Number(days) * 24;
  return (await credentials.rotate(here, by, id, { graceHours, ...wanted })).secret;
}
