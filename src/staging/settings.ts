// The settings for copies (staging databases): whether this server makes copies, how many, how long they are kept, and
// on which database servers.
import { z } from 'zod';
import {
  databaseVariables,
  neighbourSchema,
  type NosqlAddress,
  type SqlAddress,
} from '../database/address.ts';

export type CopySettings = {
  /**
   * The valid tokens. A server that sends one of them may order staging databases. Two tokens are valid while one is
   * being replaced by the other.
   */
  tokens: string[];
  /** The most staging databases that may exist at the same time. */
  limit: number;
  /** How many days a staging database is kept, unless a person extends the time. */
  days: number;
  /** The time zone of the times in the names of staging databases. */
  timeZone: string;
  /**
   * The database servers on which staging databases are made, with an account that may create and drop databases on
   * them.
   */
  servers: { sql: SqlAddress; nosql: NosqlAddress };
};

type Variables = Record<string, string | undefined>;

const number = (most: number) => {
  const message = `must be a number from 1 to ${most}`;
  return z.coerce.number(message).int(message).min(1, message).max(most, message);
};

const schema = z.object({
  NUMIKUBE_STAGING_DATABASE_LIMIT: number(1000),
  NUMIKUBE_STAGING_DAYS: number(365),
  NUMIKUBE_STAGING_TIME_ZONE: z
    .string()
    .refine(isTimeZone, 'must be the name of a time zone, such as America/New_York'),
});

function isTimeZone(timeZone: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone }));
  } catch {
    return false;
  }
}

const TOKEN = 'NUMIKUBE_STAGING_TOKEN';
const KNOWN_BY = 'COPIES_NOSQL_DB_AUTH_SOURCE';

export const copyVariables = [
  TOKEN,
  ...Object.keys(schema.shape),
  ...databaseVariables('COPIES_').filter((name) => !name.endsWith('_NAME')),
  KNOWN_BY,
  'BACKUPS_URL',
];
const TOKEN_LENGTH = 32;

const hasServers = (variables: Record<string, unknown>) =>
  Object.entries(variables).some(
    ([name, value]) => /^COPIES_(NO)?SQL_DB_(USER|PASSWORD|HOST)$/.test(name) && value,
  );

/**
 * Parses the settings for staging databases. `copies` is null if this server makes no staging databases, or if a
 * setting is wrong. `wrong` has a message for each wrong setting.
 */
export function copySettings(variables: Variables): {
  copies: CopySettings | null;
  wrong: string[];
} {
  const tokens = (variables[TOKEN] ?? '').split(',').filter(Boolean);
  if (tokens.length === 0) {
    const alone = `${TOKEN}: is missing beside COPIES_SQL_DB_* and COPIES_NOSQL_DB_*`;
    return { copies: null, wrong: hasServers(variables) ? [alone] : [] };
  }
  const wrong: string[] = [];
  if (tokens.length > 2) wrong.push(`${TOKEN}: give one, or two with a comma between them`);
  if (tokens.some((token) => token.length < TOKEN_LENGTH)) {
    wrong.push(`${TOKEN}: must have at least ${TOKEN_LENGTH} characters`);
  }
  if (!variables['BACKUPS_URL']) wrong.push(`BACKUPS_URL: is missing beside ${TOKEN}`);
  const values = schema.safeParse(variables);
  const servers = serversSchema.safeParse(variables);
  for (const { error } of [values, servers]) {
    for (const { path, message } of error?.issues ?? [])
      wrong.push(`${path.join('.')}: ${message}`);
  }
  if (!values.success || !servers.data || wrong.length > 0) {
    if (servers.success && !servers.data) {
      wrong.push(`COPIES_SQL_DB_* and COPIES_NOSQL_DB_*: are missing beside ${TOKEN}`);
    }
    return { copies: null, wrong };
  }
  return {
    copies: {
      tokens,
      limit: values.data.NUMIKUBE_STAGING_DATABASE_LIMIT,
      days: values.data.NUMIKUBE_STAGING_DAYS,
      timeZone: values.data.NUMIKUBE_STAGING_TIME_ZONE,
      servers: servers.data,
    },
    wrong,
  };
}

/**
 * Validates the addresses of the database servers for staging databases. The settings contain no names of staging
 * databases, because each gets its own name. The database name in the address of MongoDB is only the database in which
 * the account is defined.
 */
const serversSchema = z
  .record(z.string(), z.unknown())
  .transform((variables) => {
    return hasServers(variables)
      ? { ...variables, COPIES_SQL_DB_NAME: 'any', COPIES_NOSQL_DB_NAME: variables[KNOWN_BY] }
      : variables;
  })
  .pipe(neighbourSchema('COPIES'));
