// The schema of the general environment variables. A folder such as src/backups declares the variables that only this
// folder reads.
import { z } from 'zod';
import { admittedSchema } from './access/admitted.ts';
import { isEncryptionKey } from './access/encryption.ts';
import { port, text } from './database/address.ts';
import { environmentNames } from './environments/rules.ts';

const onOff = z
  .enum(['true', 'false'], 'must be true or false')
  .transform((value) => value === 'true');
const milliseconds = z.coerce.number().int().min(50);
/** The schema of a variable that may be missing or empty. */
const optional = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (value === '' ? undefined : value), schema.optional());

/**
 * The schema of an encryption key. The error message does not repeat the value, because the value
 * is secret.
 */
const secretKey = z
  .string()
  .refine(isEncryptionKey, 'must be 32 bytes in base64: openssl rand -base64 32');

/**
 * The environment variables. Their default values are in config/defaults.env, not in this schema.
 */
export const variables = z.object({
  ENVIRONMENT: z.enum(environmentNames, { error: `must be one of ${environmentNames.join(', ')}` }),
  HOST: z.string(),
  PORT: port,
  REDIS_URL: z.url({ protocol: /^rediss?$/, error: 'must be an address: redis://127.0.0.1:6379' }),
  SESSION_SECRET: z.string({ error: 'is missing' }).min(32, 'must have at least 32 characters'),
  CREDENTIALS_KEY: optional(secretKey),
  CREDENTIALS_KEY_PREVIOUS: optional(secretKey),
  SESSION_HOURS: z.coerce.number().positive(),
  SECURE_COOKIES: z.enum(['true', 'false', ''], 'must be true, false or empty'),
  TRUST_PROXY: z.coerce.number().int().min(0),
  ENVIRONMENT_URLS: z.string(),
  PEOPLE_TOKEN: optional(
    z
      .string()
      .transform((tokens) => tokens.split(',').map((one) => one.trim()))
      .refine((all) => all.length <= 2, 'give one, or two with a comma between them')
      .refine((all) => all.every((one) => one.length >= 32), 'must have at least 32 characters'),
  ),
  OIDC_ISSUER: optional(z.url({ protocol: /^https?$/ })),
  OIDC_CLIENT_ID: optional(text),
  OIDC_CLIENT_SECRET: optional(text),
  OIDC_PERMISSIONS_CLAIM: optional(text),
  OIDC_ADMITS: optional(admittedSchema),
  IS_STAGING_ALWAYS: onOff,
  INDEXER_URL: optional(z.url({ protocol: /^https?$/ })),
  INDEXER_SECRET: optional(z.string().min(32, 'must have at least 32 characters')),
  SMTP_URL: optional(z.url({ protocol: /^smtps?$/, error: 'must begin with smtp:// or smtps://' })),
  MAIL_FROM: optional(
    z.string().regex(/^[^@\r\n]+@[^@\s>]+>?$/, 'must be an address: Oneway <oneway@example.com>'),
  ),
  REQUIRE_TESTED: onOff,
  REQUIRE_APPROVAL: onOff,
  SUPPORTED_DATABASE_VERSION: z
    .string({ error: 'is missing: bin/serve and bin/oneway take it from the file DB_VERSION' })
    .min(1),
  METRICS_TOKEN: optional(z.string().min(16, 'must have at least 16 characters')),
  RUN_JOBS: onOff,
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']),
  API_PAGE_SIZE: z.coerce.number().int().min(1).max(10_000),
  NOSQL_IDS_PER_QUERY: z.coerce.number().int().min(1),
  TRANSFER_LEASE_MS: milliseconds,
  RECOVERY_EVERY_MS: milliseconds,
  DATAFILE_LIMIT_MB: z.coerce.number().int().min(1),
  OPEN_ENVIRONMENTS_MAX: z.coerce.number().int().min(1).max(100),
  OPEN_ENVIRONMENTS_IDLE_MS: milliseconds,
});

export type Variables = z.infer<typeof variables>;
