// Schemas of the queries and bodies that callers of the account migration API may send.
import { z } from 'zod';
import { EXTERNAL_ID } from '../inbox/accounts.ts';
import { Invalid } from '../problems.ts';
import { legacyStatuses, statusNamed, statusNames, type MigrationStatus } from './status.ts';

const accountId = z
  .string('must be the id of an account, as a text')
  .regex(
    EXTERNAL_ID,
    'must be an id of the older system: letters, digits and . : @ - _, at most 64',
  )
  .meta({ description: 'The id of the account in the older system.' });
const force = z
  .boolean('must be true or false')
  .default(false)
  .meta({ description: 'Begins the next run: everything is read again and overwritten.' });

export const accountsQuery = z.strictObject({
  account_id: accountId.optional(),
  after: z
    .string()
    .regex(/^\d{1,10}$/, 'must come from the link “next”')
    .transform(Number)
    .optional(),
});
export const checkQuery = z.strictObject({ account_id: accountId.optional() });

export const additionBody = z.strictObject({
  account_id: accountId,
  name: z.string('must be a text').max(200, 'may have 200 characters at most').default(''),
  // A new account always has these two statuses. Callers may send them, but no other values.
  status: z.literal('active', 'can only be active').optional(),
  migration_status: z.literal('not_started', 'can only be not_started').optional(),
});

const wantedStatus = z
  .enum(statusNames, `must be one of ${statusNames.join(', ')}`)
  .meta({ description: 'A status, also under a former name: recent-only, active-recent-only.' });

/**
 * `migration_status` names the status to confirm. `status` is the former name of this field: it is
 * used only if `migration_status` is missing.
 */
export const confirmationBody = z
  .strictObject({
    migration_status: wantedStatus.optional(),
    status: z.enum(legacyStatuses, `must be one of ${legacyStatuses.join(', ')}`).optional(),
  })
  .refine(({ migration_status: one, status: other }) => one !== undefined || other !== undefined, {
    path: ['migration_status'],
    message: 'is missing',
  });

/**
 * Returns the status that a caller wants to confirm. If a caller sends only the former field
 * `status`, its value `active` means `completed`.
 */
export function statusAskedFor(asked: z.infer<typeof confirmationBody>): MigrationStatus {
  const { migration_status: name, status = 'not_started' } = asked;
  if (name === undefined && status === 'active') return 'completed';
  return statusNamed(name ?? status) ?? 'not_started';
}

export const startBody = z.strictObject({ account_id: accountId.optional(), force });

const LOCATION = /^[\w-][\w.-]*(\/[\w-][\w.-]*)*\/?$/;

export const migrateBody = z.strictObject({
  account_id: accountId,
  part: z.enum(['recent', 'remaining'], 'must be recent or remaining').optional(),
  location: z
    .string('must be a text')
    .max(500, 'may have 500 characters at most')
    .regex(LOCATION, 'must be a prefix in the object storage, such as dumps/acme')
    .transform((text) => text.replace(/\/$/, ''))
    .optional()
    .meta({ description: 'Where a dump of the account is; without it the store is read.' }),
  force,
});

/**
 * Parses a query or body that a caller sent.
 * @throws Invalid with one sentence for each wrong field, which names the field
 */
export function sent<T extends z.ZodType>(schema: T, from: unknown): z.infer<T> {
  const { data, error } = schema.safeParse(from);
  if (!error) return data;
  const lines = error.issues.map(({ path, message }) => {
    const name = String(path[0] ?? 'The request:');
    return [name, `${name} ${message}.`];
  });
  throw new Invalid(Object.fromEntries(lines) as Record<string, string>);
}
