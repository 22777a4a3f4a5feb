// The address of a database server, with the user to sign in as.
import { z } from 'zod';

export const text = z.string({ error: 'is missing' }).min(1, 'is empty');
const isPort = 'must be a port: a number from 1 to 65535';
export const port = z.coerce
  .number({ error: isPort })
  .int(isPort)
  .min(1, isPort)
  .max(65_535, isPort);

/** The schema of an address, from variables without their prefix. */
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
 * `tls`: the connection is encrypted, and the server’s certificate must be signed by an authority that this machine
 * trusts.
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
  /** The MongoDB database in which the user is defined; by default the one in `name`. */
  authSource?: string;
};

/** The schema of the variables that begin with `prefix`; its messages contain the full names of the variables. */
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

/** The schema of the variables `SQL_DB_*` and `NOSQL_DB_*`, the two databases of an environment. */
export const databasesSchema = behind('SQL_DB', address)
  .transform((sql) => ({ sql }))
  .and(behind('NOSQL_DB', address).transform((nosql) => ({ nosql })));

/**
 * The schema of the variables of both databases of a neighbouring environment, which begin with `prefix`; null when
 * none is set.
 */
export const neighbourSchema = (prefix: string) =>
  behind(prefix, z.preprocess(nullWhenEmpty, databasesSchema.nullable()));

/** Ports and TLS have defaults, so that they do not tell whether a database is set. */
const nullWhenEmpty = (variables: unknown) =>
  Object.entries(variables as object).some(([name, value]) => isOfDatabase(name) && value)
    ? variables
    : null;

const isOfDatabase = (name: string) => /SQL_DB_(NAME|USER|PASSWORD|HOST)$/.test(name);

/** The names of the variables of a MySQL and a MongoDB database, behind a prefix such as `COPIES_`. */
export const databaseVariables = (prefix: string): string[] =>
  ['SQL_DB', 'NOSQL_DB'].flatMap((kind) =>
    ['NAME', 'USER', 'PASSWORD', 'HOST', 'PORT', 'TLS'].map((part) => `${prefix}${kind}_${part}`),
  );

export const isSameDatabase = (one: SqlAddress, other: SqlAddress) =>
  server(one) === server(other) && one.name === other.name;

const server = ({ host, port }: SqlAddress) =>
  `${host.toLowerCase().replace(/^(localhost|::1|\[::1\])$/, '127.0.0.1')}:${port}`;
