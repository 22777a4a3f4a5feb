// The environment variables, parsed once. Nothing else reads process.env.
import { z } from 'zod';
import { admittedSchema } from './access/admitted.ts';
import { encryptionKeys, isEncryptionKey } from './access/encryption.ts';
import {
  databasesSchema,
  isSameDatabase,
  neighbourSchema,
  port,
  text,
} from './database/address.ts';
import { limits } from './database/limits.ts';
import { environmentUrls, isLoopback, isSecureCookie } from './environments/urls.ts';
import { environmentNames, rulesOf, type EnvironmentName } from './environments/rules.ts';
import { endpointsFrom, wrongEndpoints } from './messages/endpoints.ts';
import { plainConnections } from './plain-connections.ts';
import { backupSettings } from './backups/settings.ts';
import { pipelineSettings } from './pipeline/settings.ts';
import { sourceSettings } from './sources/settings.ts';
import { copySettings } from './staging/settings.ts';
import { storageSettings } from './storage/settings.ts';

const onOff = z
  .enum(['true', 'false', ''])
  .default('false')
  .transform((value) => value === 'true');
const milliseconds = z.coerce.number().int().min(50);
/** The schema of a variable that may be missing or empty. */
const optional = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (value === '' ? undefined : value), schema.optional());

/** The schema of a secret. Its message does not repeat the value. */
const secretKey = z
  .string()
  .refine(isEncryptionKey, 'must be 32 bytes in base64: openssl rand -base64 32');

const variables = z.object({
  ENVIRONMENT: z.enum(environmentNames, { error: `must be one of ${environmentNames.join(', ')}` }),
  HOST: z.string().default('127.0.0.1'),
  PORT: port.default(3000),
  REDIS_URL: z.url({ protocol: /^rediss?$/, error: 'must be an address: redis://127.0.0.1:6379' }),
  SESSION_SECRET: z.string({ error: 'is missing' }).min(32, 'must have at least 32 characters'),
  CREDENTIALS_KEY: optional(secretKey),
  CREDENTIALS_KEY_PREVIOUS: optional(secretKey),
  SESSION_HOURS: z.coerce.number().positive().default(10),
  SECURE_COOKIES: z.enum(['true', 'false', '']).default(''),
  TRUST_PROXY: z.coerce.number().int().min(0).default(0),
  ENVIRONMENT_URLS: z.string().default(''),
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
  SUPPORTED_DATABASE_VERSION: z
    .string({ error: 'is missing: bin/serve and bin/oneway take it from the file DB_VERSION' })
    .min(1),
  METRICS_TOKEN: optional(z.string().min(16, 'must have at least 16 characters')),
  RUN_JOBS: z
    .enum(['true', 'false', ''])
    .default('true')
    .transform((value) => value !== 'false'),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  API_PAGE_SIZE: z.coerce.number().int().min(1).max(10_000).default(1000),
  NOSQL_IDS_PER_QUERY: z.coerce.number().int().min(1).default(limits.idsPerQuery),
  TRANSFER_LEASE_MS: milliseconds.default(15_000),
  RECOVERY_EVERY_MS: milliseconds.default(5000),
  DATAFILE_LIMIT_MB: z.coerce.number().int().min(1).default(2048),
  OPEN_ENVIRONMENTS_MAX: z.coerce.number().int().min(1).max(100).default(10),
  OPEN_ENVIRONMENTS_IDLE_MS: milliseconds.default(300_000),
});

type Variables = z.infer<typeof variables>;
type Databases = z.infer<typeof databasesSchema>;
type Neighbours = { destination: Databases | null; source: Databases | null };

/** The schema of a part of the settings, which `read` parses; it returns messages about wrong ones, too. */
const part = <T extends { wrong: string[] }>(read: (variables: NodeJS.ProcessEnv) => T) =>
  z.record(z.string(), z.string().optional()).transform((environment, context) => {
    const { wrong, ...settings } = read(environment);
    for (const message of wrong) context.addIssue(message);
    return settings;
  });

const endpoints = part((environment) => ({
  messages: endpointsFrom(environment),
  wrong: wrongEndpoints(environment),
}));

const pipeline = part((environment) =>
  pipelineSettings(
    environment,
    environmentUrls(environment['ENVIRONMENT_URLS'] ?? '')[
      environment['ENVIRONMENT'] as EnvironmentName
    ],
  ),
);

const stores = part((environment) =>
  storageSettings(environment, {
    destination: Boolean(environment['UNI_DIR_DESTINATION_SQL_DB_NAME']),
    source: Boolean(environment['REFRESH_SOURCE_SQL_DB_NAME']),
  }),
);

/** The schema of all environment variables. Errors in one part do not hide errors in others. */
const settingsSchema = variables
  .superRefine((values, context) => {
    for (const message of wrongTogether(values)) context.addIssue(message);
  })
  .transform(named)
  .and(databasesSchema)
  .and(neighbourSchema('UNI_DIR_DESTINATION').transform((destination) => ({ destination })))
  .and(neighbourSchema('REFRESH_SOURCE').transform((source) => ({ source })))
  .and(endpoints)
  .and(stores)
  .and(part(backupSettings))
  .and(part(copySettings))
  .and(pipeline)
  .and(part(sourceSettings));

export type Settings = z.infer<typeof settingsSchema>;

export class BadSettings extends Error {}

/**
 * Parses the settings.
 * @throws BadSettings with a line for each that is missing or wrong
 */
export function parseSettings(environment: NodeJS.ProcessEnv): Settings {
  // process.env is not a plain object, so it is copied first.
  const result = settingsSchema.safeParse({ ...environment });
  const wrong = result.success
    ? [...misplaced(result.data), ...plainConnections(environment)]
    : result.error.issues.map(({ path, message }) =>
        path.length > 0 ? `${path.join('.')}: ${message}` : message,
      );
  if (result.success && wrong.length === 0) return result.data;
  throw new BadSettings(
    `These settings are missing or wrong (see .env.example):\n  ${wrong.join('\n  ')}`,
  );
}

function named(values: Variables) {
  return {
    environment: values.ENVIRONMENT,
    host: values.HOST,
    port: values.PORT,
    redisUrl: values.REDIS_URL,
    session: {
      secret: values.SESSION_SECRET,
      hours: values.SESSION_HOURS,
      secureCookie: isSecureCookie(
        values.SECURE_COOKIES,
        environmentUrls(values.ENVIRONMENT_URLS)[values.ENVIRONMENT],
      ),
      trustProxy: values.TRUST_PROXY,
    },
    /** The keys for secrets that must be readable later; null where none is set. */
    credentialsKeys: encryptionKeys(values.CREDENTIALS_KEY, values.CREDENTIALS_KEY_PREVIOUS),
    /** The URL of each environment’s server, for links between them. */
    urls: environmentUrls(values.ENVIRONMENT_URLS),
    singleSignOn: singleSignOn(values),
    isStagingAlways: values.IS_STAGING_ALWAYS,
    /** The search indexer, which receives signed notifications of written rows. */
    indexer: indexerOf(values),
    /** Whether rows sent to production must have been marked *Works* by someone other than the sender. */
    requireTested: values.REQUIRE_TESTED,
    /** The version of the database schema that this program expects. */
    supportedVersion: values.SUPPORTED_DATABASE_VERSION,
    logLevel: values.LOG_LEVEL,
    /** The token required to read /metrics; null when everyone may. */
    metricsToken: values.METRICS_TOKEN ?? null,
    /** Whether a web process also runs jobs. */
    runsJobs: values.RUN_JOBS,
    /** How many rows of a dataset a page of the signed API has. */
    apiPageSize: values.API_PAGE_SIZE,
    idsPerQuery: values.NOSQL_IDS_PER_QUERY,
    /** How large a data file may be, unpacked. */
    datafiles: { limitBytes: values.DATAFILE_LIMIT_MB * 1_000_000 },
    /**
     * Environments that are opened by name, such as copies: how many may be open at once, and when an idle one is
     * closed.
     */
    openEnvironments: {
      max: values.OPEN_ENVIRONMENTS_MAX,
      idleMs: values.OPEN_ENVIRONMENTS_IDLE_MS,
    },
    lease: { milliseconds: values.TRANSFER_LEASE_MS, recoverEvery: values.RECOVERY_EVERY_MS },
  };
}

/**
 * Messages for settings that contradict the order of environments: a destination for an environment that has none, or
 * an environment that is its own destination.
 */
function misplaced({
  environment,
  sql,
  nosql,
  destination,
  source,
}: { environment: EnvironmentName } & Databases & Neighbours): string[] {
  const { label, next } = rulesOf(environment);
  const wrong: string[] = [];
  if (destination && next === null) {
    wrong.push(`UNI_DIR_DESTINATION_*: ${label} has no destination; remove them`);
  }
  if (source && next === null) {
    wrong.push(`REFRESH_SOURCE_*: ${label} is never refreshed; remove them`);
  }
  for (const [prefix, neighbour] of [
    ['UNI_DIR_DESTINATION', destination],
    ['REFRESH_SOURCE', source],
  ] as const) {
    if (neighbour && isSameDatabase(neighbour.sql, sql)) {
      wrong.push(`${prefix}_SQL_DB_*: this is the environment's own database`);
    }
    if (neighbour && isSameDatabase(neighbour.nosql, nosql)) {
      wrong.push(`${prefix}_NOSQL_DB_*: this is the environment's own database`);
    }
  }
  return wrong;
}

const indexerOf = ({ INDEXER_URL: url, INDEXER_SECRET: secret }: Variables) =>
  url && secret ? { url, secret } : null;

/** Messages for settings of which one requires another. */
function wrongTogether(values: Variables): string[] {
  const wrong = lackingForSingleSignOn(values);
  if ((values.INDEXER_URL === undefined) !== (values.INDEXER_SECRET === undefined)) {
    wrong.push('INDEXER_URL and INDEXER_SECRET: give both or none');
  }
  if (values.CREDENTIALS_KEY_PREVIOUS && !values.CREDENTIALS_KEY) {
    wrong.push('CREDENTIALS_KEY: is missing beside CREDENTIALS_KEY_PREVIOUS');
  }
  return wrong;
}

/** Messages if some but not all settings of single sign-on are set. */
function lackingForSingleSignOn(values: Variables): string[] {
  const needed = ['OIDC_ISSUER', 'OIDC_CLIENT_ID', 'OIDC_CLIENT_SECRET'] as const;
  const given = [...needed, 'OIDC_PERMISSIONS_CLAIM' as const, 'OIDC_ADMITS' as const].filter(
    (name) => values[name],
  );
  if (given.length === 0) return [];
  const wrong = needed
    .filter((name) => !values[name])
    .map((name) => `${name}: is missing; single sign-on needs it beside ${given.join(', ')}`);
  const issuer = URL.parse(values.OIDC_ISSUER ?? '');
  if (issuer && issuer.protocol !== 'https:' && !isLoopback(issuer)) {
    wrong.push('OIDC_ISSUER: must begin with https:// (http:// for localhost and 127.0.0.1 only)');
  }
  if (!environmentUrls(values.ENVIRONMENT_URLS)[values.ENVIRONMENT]) {
    const own = `${values.ENVIRONMENT}=https://…`;
    wrong.push(`ENVIRONMENT_URLS: lacks ${own}, where single sign-on sends people back to`);
  }
  return wrong;
}

/** The settings of single sign-on: how the sign-in provider knows this server. */
export type SingleSignOn = NonNullable<Settings['singleSignOn']>;

function singleSignOn(values: Variables) {
  if (!values.OIDC_ISSUER) return null;
  return {
    issuer: values.OIDC_ISSUER,
    clientId: values.OIDC_CLIENT_ID ?? '',
    clientSecret: values.OIDC_CLIENT_SECRET ?? '',
    /** The URL to which the provider redirects people after signing in. */
    redirectUri: `${environmentUrls(values.ENVIRONMENT_URLS)[values.ENVIRONMENT]}/sign-in/callback`,
    /**
     * The claim (of the provider about a person) that lists the person’s permissions; null when they are granted on
     * the people page.
     */
    permissionsClaim: values.OIDC_PERMISSIONS_CLAIM ?? null,
    /** Who may sign in with single sign-on; null for everyone whom the provider lets in. */
    admits: values.OIDC_ADMITS ?? null,
  };
}
