// The environment variables, parsed once. Nothing else reads process.env.
import { z } from 'zod';
import type { NosqlAddress, SqlAddress } from './database/connect.ts';
import { environmentNames, rung, type EnvironmentName } from './environments/ladder.ts';
import { storageSettings, type StorageSettings } from './storage/settings.ts';

const port = z.coerce.number().int().min(1).max(65_535);
const text = z.string().min(1);
const onOff = z
  .enum(['true', 'false', ''])
  .default('false')
  .transform((value) => value === 'true');
const milliseconds = z.coerce.number().int().min(50);
/** Left out, or with nothing behind the equals sign. */
const optional = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (value === '' ? undefined : value), schema.optional());

const database = (prefix: string, defaultPort: number) => ({
  [`${prefix}_NAME`]: text,
  [`${prefix}_USER`]: text,
  [`${prefix}_PASSWORD`]: text,
  [`${prefix}_HOST`]: text,
  [`${prefix}_PORT`]: port.default(defaultPort),
});

const common = z.object({
  ENVIRONMENT: z.enum(environmentNames),
  HOST: z.string().default('127.0.0.1'),
  PORT: port.default(3000),
  REDIS_URL: z.url({ protocol: /^rediss?$/ }),
  SESSION_SECRET: z.string().min(32, 'must have at least 32 characters'),
  SESSION_HOURS: z.coerce.number().positive().default(10),
  SECURE_COOKIES: onOff,
  TRUST_PROXY: z.coerce.number().int().min(0).default(0),
  ENVIRONMENT_URLS: z.string().default(''),
  OIDC_ISSUER: optional(z.url({ protocol: /^https?$/ })),
  OIDC_CLIENT_ID: optional(text),
  OIDC_CLIENT_SECRET: optional(text),
  OIDC_PERMISSIONS_CLAIM: optional(text),
  IS_STAGING_ALWAYS: onOff,
  INDEXER_URL: optional(z.url({ protocol: /^https?$/ })),
  INDEXER_SECRET: optional(z.string().min(32, 'must have at least 32 characters')),
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
  TRANSFER_LEASE_MS: milliseconds.default(15_000),
  RECOVERY_EVERY_MS: milliseconds.default(5000),
});

export type Settings = {
  environment: EnvironmentName;
  host: string;
  port: number;
  redisUrl: string;
  session: { secret: string; hours: number; secureCookie: boolean; trustProxy: number };
  storage: StorageSettings;
  /** Address of each environment's server, for links between them. */
  urls: Partial<Record<EnvironmentName, string>>;
  singleSignOn: SingleSignOn | null;
  isStagingAlways: boolean;
  /** Who is told, signed with the secret, which rows were written. */
  indexer: { url: string; secret: string } | null;
  /** What goes on to production was marked Works by someone other than the sender. */
  requireTested: boolean;
  /** The version of the database that this program was built for. */
  supportedVersion: string;
  logLevel: string;
  /** Whoever asks for /metrics shows it; null when everybody may ask. */
  metricsToken: string | null;
  /** Whether a web process runs jobs, too. */
  runsJobs: boolean;
  lease: { milliseconds: number; recoverEvery: number };
  sql: SqlAddress;
  nosql: NosqlAddress;
  destination: { sql: SqlAddress; nosql: NosqlAddress } | null;
  source: { sql: SqlAddress; nosql: NosqlAddress } | null;
};

/** How this server is known to the provider that people sign in with. */
export type SingleSignOn = {
  issuer: string;
  clientId: string;
  clientSecret: string;
  /** Where the provider sends people back to. */
  redirectUri: string;
  /** The claim that lists what a person may do here; null when our own page says it. */
  permissionsClaim: string | null;
};

export class BadSettings extends Error {}

/** Reads the settings or says which are wrong, all at once. */
export function parseSettings(environment: NodeJS.ProcessEnv): Settings {
  const wrong: string[] = [];
  const read = <T extends z.ZodType>(schema: T): z.infer<T> | undefined => {
    const result = schema.safeParse(environment);
    for (const issue of result.error?.issues ?? []) {
      wrong.push(`${issue.path.join('.')}: ${issue.message}`);
    }
    return result.data;
  };
  const address = (prefix: string, defaultPort: number): SqlAddress => {
    const values = read(z.object(database(prefix, defaultPort))) ?? {};
    const of = (key: string) => String(values[`${prefix}_${key}`]);
    return {
      name: of('NAME'),
      user: of('USER'),
      password: of('PASSWORD'),
      host: of('HOST'),
      port: Number(of('PORT')),
    };
  };
  const neighbour = (prefix: string) =>
    Object.keys(environment).some(
      (key) => key.startsWith(`${prefix}_`) && key.includes('SQL_DB_') && environment[key],
    )
      ? { sql: address(`${prefix}_SQL_DB`, 3306), nosql: address(`${prefix}_NOSQL_DB`, 27_017) }
      : null;

  const values = read(common);
  const sql = address('SQL_DB', 3306);
  const nosql = address('NOSQL_DB', 27_017);
  const destination = neighbour('UNI_DIR_DESTINATION');
  const source = neighbour('REFRESH_SOURCE');
  const stored = storageSettings(environment, {
    destination: destination !== null,
    source: source !== null,
  });
  wrong.push(...stored.wrong);
  if (values) {
    wrong.push(...misplaced(values.ENVIRONMENT, { sql, nosql, destination, source }));
    wrong.push(...lackingForSingleSignOn(values));
  }
  if (values && (values.INDEXER_URL === undefined) !== (values.INDEXER_SECRET === undefined)) {
    wrong.push('INDEXER_URL and INDEXER_SECRET: give both or none');
  }
  if (wrong.length > 0 || !values) {
    throw new BadSettings(
      `These settings are missing or wrong (see .env.example):\n  ${wrong.join('\n  ')}`,
    );
  }
  return {
    environment: values.ENVIRONMENT,
    host: values.HOST,
    port: values.PORT,
    redisUrl: values.REDIS_URL,
    session: {
      secret: values.SESSION_SECRET,
      hours: values.SESSION_HOURS,
      secureCookie: values.SECURE_COOKIES,
      trustProxy: values.TRUST_PROXY,
    },
    storage: stored.storage,
    urls: environmentUrls(values.ENVIRONMENT_URLS),
    singleSignOn: singleSignOn(values),
    isStagingAlways: values.IS_STAGING_ALWAYS,
    indexer: indexerOf(values),
    requireTested: values.REQUIRE_TESTED,
    supportedVersion: values.SUPPORTED_DATABASE_VERSION,
    logLevel: values.LOG_LEVEL,
    metricsToken: values.METRICS_TOKEN ?? null,
    runsJobs: values.RUN_JOBS,
    lease: { milliseconds: values.TRANSFER_LEASE_MS, recoverEvery: values.RECOVERY_EVERY_MS },
    sql,
    nosql,
    destination,
    source,
  };
}

const indexerOf = ({ INDEXER_URL: url, INDEXER_SECRET: secret }: z.infer<typeof common>) =>
  url && secret ? { url, secret } : null;

/** What contradicts the ladder: a destination where there is none, or an environment that is its own. */
function misplaced(
  environment: EnvironmentName,
  at: Pick<Settings, 'sql' | 'nosql' | 'destination' | 'source'>,
): string[] {
  const { label, next } = rung(environment);
  const wrong: string[] = [];
  if (at.destination && next === null) {
    wrong.push(`UNI_DIR_DESTINATION_*: ${label} has no destination; remove them`);
  }
  if (at.source && next === null) {
    wrong.push(`REFRESH_SOURCE_*: nothing is copied down to ${label.toLowerCase()}; remove them`);
  }
  for (const [prefix, neighbour] of [
    ['UNI_DIR_DESTINATION', at.destination],
    ['REFRESH_SOURCE', at.source],
  ] as const) {
    if (neighbour && isSame(neighbour.sql, at.sql)) {
      wrong.push(`${prefix}_SQL_DB_*: this is the environment's own database`);
    }
    if (neighbour && isSame(neighbour.nosql, at.nosql)) {
      wrong.push(`${prefix}_NOSQL_DB_*: this is the environment's own database`);
    }
  }
  return wrong;
}

const isSame = (one: SqlAddress, other: SqlAddress) =>
  place(one) === place(other) && one.name === other.name;
const place = ({ host, port }: SqlAddress) =>
  `${host.toLowerCase().replace(/^(localhost|::1|\[::1\])$/, '127.0.0.1')}:${port}`;

/** `staging=https://…,preprod=https://…` */
function environmentUrls(list: string): Settings['urls'] {
  const pairs = list.split(',').map((pair) => pair.trim().split('=', 2));
  return Object.fromEntries(
    pairs.flatMap(([key, url]) => (key && url ? [[key, url.replace(/\/$/, '')]] : [])),
  );
}

/** Single sign-on is left out or whole. */
function lackingForSingleSignOn(values: z.infer<typeof common>): string[] {
  const needed = ['OIDC_ISSUER', 'OIDC_CLIENT_ID', 'OIDC_CLIENT_SECRET'] as const;
  const given = [...needed, 'OIDC_PERMISSIONS_CLAIM' as const].filter((name) => values[name]);
  if (given.length === 0) return [];
  const wrong = needed
    .filter((name) => !values[name])
    .map((name) => `${name}: is missing; single sign-on needs it beside ${given.join(', ')}`);
  if (values.OIDC_ISSUER && !isSafe(new URL(values.OIDC_ISSUER))) {
    wrong.push('OIDC_ISSUER: must begin with https:// (http:// for localhost and 127.0.0.1 only)');
  }
  if (!environmentUrls(values.ENVIRONMENT_URLS)[values.ENVIRONMENT]) {
    const own = `${values.ENVIRONMENT}=https://…`;
    wrong.push(`ENVIRONMENT_URLS: lacks ${own}, where single sign-on sends people back to`);
  }
  return wrong;
}

const isSafe = ({ protocol, hostname }: URL) =>
  protocol === 'https:' || ['localhost', '127.0.0.1'].includes(hostname);

function singleSignOn(values: z.infer<typeof common>): SingleSignOn | null {
  if (!values.OIDC_ISSUER) return null;
  return {
    issuer: values.OIDC_ISSUER,
    clientId: values.OIDC_CLIENT_ID ?? '',
    clientSecret: values.OIDC_CLIENT_SECRET ?? '',
    redirectUri: `${environmentUrls(values.ENVIRONMENT_URLS)[values.ENVIRONMENT]}/sign-in/callback`,
    permissionsClaim: values.OIDC_PERMISSIONS_CLAIM ?? null,
  };
}
