// Creates, rotates and revokes credentials. A credential is an app, client or job that calls Oneway, with its scopes
// and one or two keys. Rotation adds a second key; both keys work until the first key is revoked or its grace period
// ends.
import type { PoolConnection } from 'mysql2/promise';
import { z } from 'zod';
import * as audit from '../audit/audit.ts';
import {
  first,
  run,
  runForId,
  select,
  sql,
  toSqlInstant,
  transaction,
  type Queryable,
} from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import { Conflict, Invalid, NotFound, parsed, Problem } from '../problems.ts';
import { requiredLine } from '../typed-text.ts';
import { encrypt, type Encrypted } from './encryption.ts';
import { isUsable, stateOf, type KeyState, type KeyTimes } from './key-state.ts';
import { scopeSchema } from './scopes.ts';
import { hashOf, kinds, newHawkPair, newToken, publicPartOf, type Kind } from './secrets.ts';

type Key = KeyTimes & {
  id: number;
  /** The first characters of a token, or the id of a HAWK key, by which a person recognises the key in a list. */
  public_part: string;
  state: KeyState;
  created_by: string;
  created_at: string;
  used_at: string | null;
  revoked_by: string | null;
};

export type Credential = {
  id: number;
  kind: Kind;
  name: string;
  scopes: string[];
  created_by: string;
  created_at: string;
  /** The keys of the credential, newest first. */
  keys: Key[];
};

/**
 * A new key with its secret. The secret is shown only now, because afterwards nobody can read it:
 * the secret of a token is stored as a hash, and the secret of a HAWK key is encrypted, for
 * verifying requests.
 */
export type Issued = { credential: number; publicPart: string; secret: string };

const kindLabels: Record<Kind, string> = {
  bearer: 'an API key',
  hawk: 'a HAWK key',
  job: 'a job token',
};

const wantedCredential = z
  .object({
    kind: z.enum(kinds),
    name: requiredLine('Enter a name', 100),
    scopes: z.array(scopeSchema).min(1, 'Choose at least one scope'),
    expiresAt: z.date().nullable().default(null),
    /** Whether to refuse a name that another credential with a working key already has. */
    isNameUnique: z.boolean().default(false),
  })
  .refine(({ kind, expiresAt }) => kind !== 'job' || expiresAt !== null, {
    path: ['expiresAt'],
    message: 'A job token needs an end',
  });
export type WantedCredential = Omit<z.input<typeof wantedCredential>, 'scopes'> & {
  scopes: readonly string[];
};

/**
 * Creates a credential with its first key.
 * @throws Invalid with a message for each wrong field
 */
export async function create(here: App, by: string, posted: WantedCredential): Promise<Issued> {
  const { kind, name, scopes, expiresAt, isNameUnique } = parsed(wantedCredential, posted);
  refuseThePast(expiresAt);
  const made = makeKey(here, kind);
  return transaction(here.sql, async (connection) => {
    const credential = await runForId(
      connection,
      sql`insert into credential (kind, name, scopes, created_by, created_at)
          values (${kind}, ${name}, ${JSON.stringify(scopes)}, ${by}, utc_timestamp(3))`,
    );
    await insertKey(connection, { credential, by, expiresAt, made });
    if (isNameUnique) await refuseTakenName(connection, { id: credential, name });
    await audit.write(connection, {
      person: by,
      action: `made ${kindLabels[kind]}`,
      subject: name,
      detail: scopes.join(', '),
    });
    return { credential, publicPart: made.publicPart, secret: made.secret };
  });
}

/**
 * Refuses a name that another credential with a working key has. If two requests create credentials
 * with the same name at the same time, the row lock lets only one request succeed.
 */
async function refuseTakenName(
  connection: PoolConnection,
  { id, name }: Pick<Credential, 'id' | 'name'>,
) {
  const [taken] = await select(
    connection,
    sql`select credential.id from credential
          join credential_key on credential_key.credential_id = credential.id
         where credential.name = ${name} and credential.id <> ${id} and revoked_at is null
           and (expires_at is null or expires_at > utc_timestamp(3))
         limit 1 for update`,
  );
  if (taken) {
    throw new Invalid({
      name: `There is a key with the name ${name} already: rotate or revoke that one, or choose another name.`,
    });
  }
}

export type Rotation = {
  /** How many hours the old key still works after the rotation. */
  graceHours: number;
  /** When the new key expires. */
  expiresAt?: Date | null;
  /**
   * The id of the key that the user’s page showed. If somebody has created a new key since then,
   * the ids differ and the rotation is refused, so that it does not end the new key by mistake.
   */
  seen?: number | null;
};

/**
 * Adds a second key to a credential. The old key works until its grace period ends.
 * @throws Conflict when two keys or no key work, or when the user’s page showed another key
 */
export async function rotate(
  here: App,
  by: string,
  id: number,
  { graceHours, expiresAt = null, seen = null }: Rotation,
): Promise<Issued> {
  refuseThePast(expiresAt);
  return transaction(here.sql, async (connection) => {
    const { kind, name, keys } = await locked(connection, id);
    const [usable, second] = keys.filter(({ state }) => isUsable(state));
    if (second) throw new Conflict(`${name} has two keys that work: revoke one of them first.`);
    if (!usable) throw new Conflict(`${name} has no key that works: make a new credential.`);
    if (seen !== null && usable.id !== seen) {
      throw new Conflict(
        `${name} got a new key from ${usable.created_by} after this page was shown. Go back, reload the page, and rotate that one if you need to.`,
      );
    }
    await run(
      connection,
      sql`update credential_key
             set expires_at = least(coalesce(expires_at, '9999-12-31'),
                                    utc_timestamp(3) + interval ${graceHours} hour)
           where id = ${usable.id}`,
    );
    const made = makeKey(here, kind);
    await insertKey(connection, { credential: id, by, expiresAt, made });
    await audit.write(connection, {
      person: by,
      action: `rotated ${kindLabels[kind]}`,
      subject: name,
      detail: `${usable.public_part} → ${made.publicPart}, both for ${graceHours} hours`,
    });
    return { credential: id, publicPart: made.publicPart, secret: made.secret };
  });
}

/** Revokes one key of a credential, or all of them; a key that is already revoked keeps its date. */
export async function revoke(here: App, by: string, id: number, keyId: number | null = null) {
  await transaction(here.sql, async (connection) => {
    const { kind, name, keys } = await locked(connection, id);
    const chosen = keys.filter((key) => keyId === null || key.id === keyId);
    if (chosen.length === 0) throw new NotFound('There is no such key.');
    const open = chosen.filter(({ state }) => state !== 'revoked');
    if (open.length === 0) return;
    await run(
      connection,
      sql`update credential_key set revoked_at = utc_timestamp(3), revoked_by = ${by}
           where id in (${open.map((key) => key.id)})`,
    );
    await audit.write(connection, {
      person: by,
      action: `revoked ${kindLabels[kind]}`,
      subject: name,
      detail: open.map(({ public_part: part }) => part).join(', '),
    });
  });
}

/**
 * Lists the credentials of one kind, or of all kinds. Credentials with a working key come first.
 */
export async function list(on: Queryable, kind: Kind | null = null): Promise<Credential[]> {
  const all = await read(on, sql`${kind} is null or kind = ${kind}`);
  const works = ({ keys }: Credential) => (keys.some(({ state }) => isUsable(state)) ? 0 : 1);
  return all.toSorted((one, other) => works(one) - works(other));
}

async function locked(connection: PoolConnection, id: number): Promise<Credential> {
  await first(connection, sql`select id from credential where id = ${id} for update`);
  const [found] = await read(connection, sql`id = ${id}`);
  if (!found) throw new NotFound('There is no such key.');
  return found;
}

type StoredCredential = Omit<Credential, 'scopes' | 'keys'> & { scopes: string };
type StoredKey = Omit<Key, 'state'> & { credential_id: number; now: string };

async function read(on: Queryable, which: ReturnType<typeof sql>): Promise<Credential[]> {
  const credentials = await select<StoredCredential>(
    on,
    sql`select * from credential where ${which} order by name, id`,
  );
  const keys = await select<StoredKey>(
    on,
    sql`select id, credential_id, public_part, created_by, created_at, expires_at, used_at,
               revoked_by, revoked_at, utc_timestamp(3) as now
          from credential_key
         where credential_id in (${credentials.map(({ id }) => id)})
         order by id desc`,
  );
  const byCredential = Map.groupBy(keys, ({ credential_id: id }) => id);
  return credentials.map((line) => ({
    ...line,
    scopes: JSON.parse(line.scopes) as string[],
    keys: (byCredential.get(line.id) ?? []).map(({ credential_id: _of, now, ...key }) => ({
      ...key,
      state: stateOf(key, now),
    })),
  }));
}

type Made = {
  publicPart: string;
  secret: string;
  hash: string | null;
  encrypted: Encrypted | null;
};

function makeKey({ settings }: App, kind: Kind): Made {
  if (kind !== 'hawk') {
    const secret = newToken(kind);
    return { publicPart: publicPartOf(secret), secret, hash: hashOf(secret), encrypted: null };
  }
  if (!settings.credentialsKeys) {
    throw new Problem(422, 'HAWK keys are stored encrypted: set CREDENTIALS_KEY first.');
  }
  const { id, secret } = newHawkPair();
  const encrypted = encrypt(settings.credentialsKeys.current, secret, id);
  return { publicPart: id, secret, hash: null, encrypted };
}

const insertKey = (
  on: Queryable,
  key: { credential: number; by: string; expiresAt: Date | null; made: Made },
) =>
  run(
    on,
    sql`insert into credential_key
          (credential_id, public_part, hash, encrypted_secret, encryption_key,
           created_by, created_at, expires_at)
        values
          (${key.credential}, ${key.made.publicPart}, ${key.made.hash},
           ${key.made.encrypted?.text ?? null}, ${key.made.encrypted?.keyId ?? null},
           ${key.by}, utc_timestamp(3),
           ${key.expiresAt && toSqlInstant(key.expiresAt.toISOString())})`,
  );

function refuseThePast(expiresAt: Date | null) {
  if (expiresAt && expiresAt.getTime() <= Date.now()) {
    throw new Invalid({ expiresAt: 'Choose an end in the future' });
  }
}
