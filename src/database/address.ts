// Addresses of MySQL and MongoDB databases (host, port, name, user, password, TLS), read from environment variables.
import { z } from 'zod';

export const text = z.string({ error: 'is missing' }).min(1, 'is empty');
const isPort = 'must be a port: a number from 1 to 65535';
export const port = z.coerce
  .number({ error: isPort })
  .int(isPort)
  .min(1, isPort)
  .max(65_535, isPort);

/**
 * Parses the variables of one database into an address. The variables come without their prefix:
 * `NAME`, not `SQL_DB_NAME`.
 */
export const address = z
  .object({
    NAME: text,
    USER: text,
    PASSWORD: text,
    HOST: text,
    PORT: port,
    TLS: z.enum(['true', 'false'], 'must be true or false'),
  })
  .transform(({ NAME: name, USER: user, PASSWORD: password, HOST: host, PORT, TLS }) => ({
    name,
    user,
    password,
    host,
    port: PORT,
    ...(TLS === 'true' && { tls: true }),
  }));

/**
 * `tls: true` encrypts the connection and accepts only a server certificate that is signed by an
 * authority that this machine trusts.
 */
export type SqlAddress = {
  name: string;
  user: string;
  password: string;
  host: string;
  port: number;
  tls?: boolean;
};
export type NosqlAddress = SqlAddress & {
  /** The MongoDB database in which the user is defined; the database `name` by default. */
  authSource?: string;
};

/**
 * Parses the variables that begin with `prefix`. Error messages contain the full names of the
 * variables.
 */
const behind = <T extends z.ZodType>(prefix: string, schema: T) =>
  z.record(z.string(), z.unknown()).transform((variables, context): z.infer<T> => {
    const own = Object.entries(variables)
      .filter(([name]) => name.startsWith(`${prefix}_`))
      .map(([name, value]) => [name.slice(prefix.length + 1), value]);
    const result = schema.safeParse(Object.fromEntries(own));
    if (result.success) return result.data;
    for (const { path, message } of result.error.issues) {
      context.addIssue({ code: 'custom', path: [`${prefix}_${path.join('_')}`], message });
    }
    return z.NEVER;
  });

/**
 * Parses the variables `SQL_DB_*` and `NOSQL_DB_*` into the addresses of an environment’s two
 * databases.
 */
export const databasesSchema = behind('SQL_DB', address)
  .transform((sql) => ({ sql }))
  .and(behind('NOSQL_DB', address).transform((nosql) => ({ nosql })));

/**
 * Parses the addresses of both databases of a neighbouring environment from the variables that
 * begin with `prefix`; returns null when the neighbour is not configured.
 */
export const neighbourSchema = (prefix: string) =>
  behind(prefix, z.preprocess(nullWhenEmpty, databasesSchema.nullable()));

/**
 * Returns null when no database is configured. Ports and TLS do not count, because their defaults
 * are always set.
 */
const nullWhenEmpty = (variables: unknown) =>
  Object.entries(variables as object).some(([name, value]) => isOfDatabase(name) && value)
    ? variables
    : null;

const isOfDatabase = (name: string) => /SQL_DB_(NAME|USER|PASSWORD|HOST)$/.test(name);

/**
 * Lists the variables that configure a MySQL and a MongoDB database, each with a prefix such as
 * `COPIES_`.
 */
export const databaseVariables = (prefix: string): string[] =>
  ['SQL_DB', 'NOSQL_DB'].flatMap((kind) =>
    ['NAME', 'USER', 'PASSWORD', 'HOST', 'PORT', 'TLS'].map((part) => `${prefix}${kind}_${part}`),
  );

export const isSameDatabase = (one: SqlAddress, other: SqlAddress) =>
  server(one) === server(other) && one.name === other.name;

const server = ({ host, port }: SqlAddress) =>
  `${host.toLowerCase().replace(/^(localhost|::1|\[::1\])$/, '127.0.0.1')}:${port}`;
