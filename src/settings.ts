// The environment variables, parsed once. Nothing else reads process.env.
import { z } from 'zod';
import type { NosqlAddress, SqlAddress } from './database/connect.ts';
import { environmentNames, rung, type EnvironmentName } from './environments/ladder.ts';

const port = z.coerce.number().int().min(1).max(65_535);
const text = z.string().min(1);
const onOff = z
  .enum(['true', 'false', ''])
  .default('false')
  .transform((value) => value === 'true');
const milliseconds = z.coerce.number().int().min(50);

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
  STORAGE_URL: z.url({ protocol: /^file$/, error: 'must be a folder, as file:///srv/oneway' }),
  UNI_DIR_DESTINATION_STORAGE_URL: z.url({ protocol: /^file$/ }).optional(),
  REFRESH_SOURCE_STORAGE_URL: z.url({ protocol: /^file$/ }).optional(),
  ENVIRONMENT_URLS: z.string().default(''),
  IS_STAGING_ALWAYS: onOff,
  INDEXER_URL: z.url({ protocol: /^https?$/ }).optional(),
  INDEXER_SECRET: z.string().min(32, 'must have at least 32 characters').optional(),
  REQUIRE_TESTED: onOff,
  SUPPORTED_DATABASE_VERSION: z
    .string({ error: 'is missing: bin/serve and bin/oneway take it from the file DB_VERSION' })
    .min(1),
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
  storageUrl: string;
  destinationStorageUrl: string;
  sourceStorageUrl: string;
  /** Address of each environment's server, for links between them. */
  urls: Partial<Record<EnvironmentName, string>>;
  isStagingAlways: boolean;
  /** Who is told, signed with the secret, which rows were written. */
  indexer: { url: string; secret: string } | null;
  /** What goes on to production was marked Works by someone other than the sender. */
  requireTested: boolean;
  /** The version of the database that this program was built for. */
  supportedVersion: string;
  logLevel: string;
  lease: { milliseconds: number; recoverEvery: number };
  sql: SqlAddress;
  nosql: NosqlAddress;
  destination: { sql: SqlAddress; nosql: NosqlAddress } | null;
  source: { sql: SqlAddress; nosql: NosqlAddress } | null;
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
  if (values) {
    wrong.push(...misplaced(values.ENVIRONMENT, { sql, nosql, destination, source }));
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
    storageUrl: values.STORAGE_URL,
    destinationStorageUrl: values.UNI_DIR_DESTINATION_STORAGE_URL ?? values.STORAGE_URL,
    sourceStorageUrl: values.REFRESH_SOURCE_STORAGE_URL ?? values.STORAGE_URL,
    urls: environmentUrls(values.ENVIRONMENT_URLS),
    isStagingAlways: values.IS_STAGING_ALWAYS,
    indexer: indexerOf(values),
    requireTested: values.REQUIRE_TESTED,
    supportedVersion: values.SUPPORTED_DATABASE_VERSION,
    logLevel: values.LOG_LEVEL,
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
