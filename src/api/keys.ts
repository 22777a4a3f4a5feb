// Keys of apps: what one may read, shown once when it is made. Only a hash of it is kept.
import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import * as audit from '../audit/audit.ts';
import { catalog } from '../catalog/index.ts';
import { first, run, select, sql, transaction, type Queryable } from '../database/sql.ts';
import type { Environment } from '../environments/environment.ts';
import { NotFound, parsed } from '../problems.ts';

/** Everything that is in the catalogue, also what comes into it later. */
export const EVERYTHING = '*';

export type Key = {
  id: number;
  name: string;
  /** The first characters of the secret, by which a person knows it again. */
  hint: string;
  scopes: string[];
  created_by: string;
  created_at: string;
  used_at: string | null;
  revoked_by: string | null;
  revoked_at: string | null;
};
type Stored = Omit<Key, 'scopes'> & { scopes: string };

const hashOf = (secret: string) => createHash('sha256').update(secret).digest('hex');
const keyFrom = ({ scopes, ...line }: Stored): Key => ({
  ...line,
  scopes: JSON.parse(scopes) as string[],
});

const wantedKey = z.object({
  name: z
    .string()
    .trim()
    .min(1, 'Enter the name of the app')
    .max(100, 'Name must be 100 characters or fewer'),
  scopes: z
    .array(z.enum([EVERYTHING, ...catalog.map(({ name }) => name)]))
    .min(1, 'Choose what it may read'),
});

/**
 * Makes a key and answers its secret, which is nowhere afterwards.
 * @throws Invalid
 */
export async function create(here: Environment, by: string, posted: unknown): Promise<string> {
  const { scopes, ...typed } = (posted ?? {}) as { scopes?: string | string[] };
  const wanted = parsed(wantedKey, { ...typed, scopes: [scopes ?? []].flat() });
  const secret = `ow_${randomBytes(24).toString('base64url')}`;
  const { name } = wanted;
  await transaction(here.sql, async (connection) => {
    await run(
      connection,
      sql`insert into api_key (name, hint, hash, scopes, created_by)
          values (${name}, ${secret.slice(0, 8)}, ${hashOf(secret)}, ${JSON.stringify(wanted.scopes)}, ${by})`,
    );
    const detail = wanted.scopes.join(', ');
    await audit.write(connection, { person: by, action: 'made an API key', subject: name, detail });
  });
  return secret;
}

export async function list(on: Queryable): Promise<Key[]> {
  const lines = await select<Stored>(
    on,
    sql`select id, name, hint, scopes, created_by, created_at, used_at, revoked_by, revoked_at
          from api_key order by revoked_at is not null, name, id`,
  );
  return lines.map(keyFrom);
}

/** The key with this secret that holds; notes about once a minute that it was used. */
export async function find(on: Queryable, secret: string): Promise<Key | null> {
  const line = await first<Stored>(
    on,
    sql`select * from api_key where hash = ${hashOf(secret)} and revoked_at is null`,
  );
  if (!line) return null;
  await run(
    on,
    sql`update api_key set used_at = utc_timestamp(3)
         where id = ${line.id} and coalesce(used_at, '2000-01-01') < utc_timestamp(3) - interval 1 minute`,
  );
  return keyFrom(line);
}

export const mayRead = ({ scopes }: Pick<Key, 'scopes'>, entity: string): boolean =>
  scopes.includes(EVERYTHING) || scopes.includes(entity);

export async function revoke(here: Environment, by: string, id: number) {
  await transaction(here.sql, async (connection) => {
    const key = await first<Stored>(connection, sql`select * from api_key where id = ${id}`);
    if (!key) throw new NotFound('There is no such key.');
    const found = await run(
      connection,
      sql`update api_key set revoked_at = utc_timestamp(3), revoked_by = ${by}
           where id = ${id} and revoked_at is null`,
    );
    if (found === 1) {
      await audit.write(connection, {
        person: by,
        action: 'revoked an API key',
        subject: key.name,
      });
    }
  });
}
