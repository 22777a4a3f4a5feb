// Parses the environment variables of a program into its settings, once at start. All other code reads the settings,
// not the environment variables.
import { z } from 'zod';
import { encryptionKeys } from './access/encryption.ts';
import {
  databasesSchema,
  databaseVariables,
  isSameDatabase,
  neighbourSchema,
} from './database/address.ts';
import { environmentUrls, isSecureCookie } from './environments/urls.ts';
import { rulesOf, type EnvironmentName } from './environments/rules.ts';
import { endpointsFrom, messageVariables, wrongEndpoints } from './messages/endpoints.ts';
import { lackingForSingleSignOn, singleSignOn } from './people/provider-settings.ts';
import { plainConnections } from './plain-connections.ts';
import { withDefaults, withLocalFile } from './defaults.ts';
import { backupSettings, backupVariables } from './backups/settings.ts';
import { moveSettings, moveVariables } from './account-moves/settings.ts';
import { pipelineSettings, pipelineVariables } from './pipeline/settings.ts';
import { sourceSettings, sourceVariables } from './sources/settings.ts';
import { copySettings, copyVariables } from './staging/settings.ts';
import { storageSettings, storageVariables } from './storage/settings.ts';
import { variables, type Variables } from './variables.ts';

type Databases = z.infer<typeof databasesSchema>;
type Neighbours = { destination: Databases | null; source: Databases | null };

type Names = readonly (string | RegExp)[];
const isNamed = (name: string, names: Names) =>
  names.some((one) => (typeof one === 'string' ? one === name : one.test(name)));

/**
 * Makes the schema of one part of the settings. `read` gets only the variables with the given
 * names. It returns the settings of this part, and in `wrong` a message for each wrong variable.
 */
const part = <T extends { wrong: string[] }>(
  names: Names,
  read: (variables: NodeJS.ProcessEnv) => T,
) =>
  z.record(z.string(), z.string().optional()).transform((environment, context) => {
    const own = Object.entries(environment).filter(([name]) => isNamed(name, names));
    const { wrong, ...settings } = read(Object.fromEntries(own));
    for (const message of wrong) context.addIssue(message);
    return settings;
  });

const endpoints = part(messageVariables, (environment) => ({
  messages: endpointsFrom(environment),
  wrong: wrongEndpoints(environment),
}));

const pipeline = part(pipelineVariables, (environment) =>
  pipelineSettings(
    environment,
    environmentUrls(environment['ENVIRONMENT_URLS'] ?? '')[
      environment['ENVIRONMENT'] as EnvironmentName
    ],
  ),
);

const neighbours = ['UNI_DIR_DESTINATION', 'REFRESH_SOURCE'] as const;
const stores = part(
  [...storageVariables, ...neighbours.map((one) => `${one}_SQL_DB_NAME`)],
  (environment) =>
    storageSettings(environment, {
      destination: Boolean(environment['UNI_DIR_DESTINATION_SQL_DB_NAME']),
      source: Boolean(environment['REFRESH_SOURCE_SQL_DB_NAME']),
    }),
);

/**
 * The names of all variables that Oneway reads. A pattern stands for variables that operators name
 * themselves, such as `WEBHOOK_MOBILE_APP_URL`.
 */
export const variableNames: Names = [
  ...Object.keys(variables.shape),
  ...databaseVariables(''),
  ...neighbours.flatMap((one) => databaseVariables(`${one}_`)),
  ...messageVariables,
  ...pipelineVariables,
  ...moveVariables,
  ...storageVariables,
  ...backupVariables,
  ...copyVariables,
  ...sourceVariables,
  'PLAIN_CONNECTIONS_TO',
  'ENV_FILE',
];

/**
 * The schema of all environment variables. An error in one part does not hide the errors in other
 * parts, so that an operator sees all errors at once.
 */
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
  .and(part(backupVariables, backupSettings))
  .and(part(copyVariables, copySettings))
  .and(pipeline)
  .and(part(moveVariables, moveSettings))
  .and(part(sourceVariables, sourceSettings));

export type Settings = z.infer<typeof settingsSchema>;

export class BadSettings extends Error {}

/**
 * Reads the settings of a program. Environment variables override the file .env in the current
 * folder, which overrides the values in `otherwise`, which override the defaults.
 * @throws BadSettings with a line for each missing or wrong setting
 */
export function readSettings(
  environment: NodeJS.ProcessEnv,
  otherwise: NodeJS.ProcessEnv = {},
): Settings {
  let given: NodeJS.ProcessEnv;
  try {
    given = withLocalFile(environment, otherwise);
  } catch (error) {
    throw new BadSettings((error as Error).message, { cause: error });
  }
  return parseSettings(given);
}

/**
 * Parses the given variables into settings. A missing variable gets its default.
 * @throws BadSettings with a line for each missing or wrong setting
 */
export function parseSettings(given: NodeJS.ProcessEnv): Settings {
  const environment = withDefaults(given);
  const result = settingsSchema.safeParse(environment);
  const wrong = result.success
    ? [...misplaced(result.data), ...plainConnections(environment)]
    : result.error.issues.map(({ path, message }) =>
        path.length > 0 ? `${path.join('.')}: ${message}` : message,
      );
  if (result.success && wrong.length === 0) return result.data;
  throw new BadSettings(
    `These settings are missing or wrong (see .env.example and config/defaults.env):\n  ${wrong.join('\n  ')}`,
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
    /** The keys that encrypt stored secrets; null if CREDENTIALS_KEY is not set. */
    credentialsKeys: encryptionKeys(values.CREDENTIALS_KEY, values.CREDENTIALS_KEY_PREVIOUS),
    /** The URL of each environment’s server, for links between them. */
    urls: environmentUrls(values.ENVIRONMENT_URLS),
    /**
     * The tokens with which the servers of the environments read from each other what they know
     * about people. This server accepts every token in the list, and sends the first one to the
     * other servers. If the list is empty, the servers read nothing from each other.
     */
    peopleTokens: values.PEOPLE_TOKEN ?? [],
    singleSignOn: singleSignOn(values),
    isStagingAlways: values.IS_STAGING_ALWAYS,
    /** The search indexer, which receives signed notifications of written rows. */
    indexer: indexerOf(values),
    /** Whether rows sent to production must have been marked *Works* by someone other than the sender. */
    requireTested: values.REQUIRE_TESTED,
    /** Whether another product manager must approve what is sent to the next environment. */
    requireApproval: values.REQUIRE_APPROVAL,
    /** The version of the database schema that this program expects. */
    supportedVersion: values.SUPPORTED_DATABASE_VERSION,
    logLevel: values.LOG_LEVEL,
    /** The token required to read /metrics; null when everyone may read /metrics. */
    metricsToken: values.METRICS_TOKEN ?? null,
    /** Whether a web process also runs jobs. */
    runsJobs: values.RUN_JOBS,
    /** How many rows of a dataset the signed API returns in one answer. */
    apiPageSize: values.API_PAGE_SIZE,
    idsPerQuery: values.NOSQL_IDS_PER_QUERY,
    /** How many bytes a data file may have after unpacking. */
    datafiles: { limitBytes: values.DATAFILE_LIMIT_MB * 1_000_000 },
    /**
     * Limits for databases that are opened when a user names them, such as copies (staging
     * databases): how many may be open at once, and after how many milliseconds an idle one is
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
 * Returns a message for each other environment (the destination, or the source of refreshes) that is set although this
 * environment may not have one, or that is this environment’s own database.
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

/** Returns a message for each setting that is set without another setting that it requires. */
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
