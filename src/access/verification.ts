// Finds the credential (an app, client or job) that a token or a HAWK key belongs to, or the reason why the key is not
// valid.
import { run, select, sql, type Queryable } from '../database/sql.ts';
import { unwillingness } from '../database/unwillingness.ts';
import { decrypt, encrypt, type EncryptionKeys } from './encryption.ts';
import { isUsable, stateOf, type KeyTimes } from './key-state.ts';
import { hashOf, isSameHash, publicPartOf, type Kind } from './secrets.ts';

/** The credential (an app, client or job) that a valid key belongs to. */
export type Holder = { id: number; kind: Kind; name: string; scopes: string[]; keyId: number };

/**
 * Why a key is refused. `unreadable`: the secret of the key cannot be decrypted, because the
 * settings lack its encryption key or the stored secret was altered.
 */
export type Refusal = 'unknown' | 'revoked' | 'expired' | 'unreadable';
type Refused = { holder: null; refused: Refusal };

export type VerifiedToken = { holder: Holder; refused: null } | Refused;

/** The credentials of a client, in the format that the package hawk expects. */
type HawkKey = { id: string; key: string; algorithm: 'sha256'; user: string };
export type VerifiedHawkId = { holder: Holder; hawk: HawkKey; refused: null } | Refused;

/**
 * Finds the credential that a token belongs to, or the reason why the token is refused. Records
 * when the token was used, about once a minute at most.
 */
export async function verifyToken(
  on: Queryable,
  kind: Exclude<Kind, 'hawk'>,
  token: string,
): Promise<VerifiedToken> {
  const hash = hashOf(token);
  const candidates = await keysWith(on, kind, publicPartOf(token));
  const found = candidates.find((one) => isSameHash(one.hash ?? '', hash));
  const verified = found ? verify(found) : unknown;
  if (verified.holder) await noteUse(on, verified.holder);
  return verified;
}

/**
 * Finds the secret that verifies a HAWK request, or the reason why its key is refused. The caller
 * calls `noteUse` after it has verified the request.
 */
export async function hawkKeyOf(
  on: Queryable,
  keys: EncryptionKeys,
  id: string,
): Promise<VerifiedHawkId> {
  const [found] = await keysWith(on, 'hawk', id);
  if (!found) return unknown;
  const verified = verify(found);
  if (!verified.holder) return verified;
  const encrypted = { keyId: found.encryption_key ?? '', text: found.encrypted_secret ?? '' };
  const key = decrypt(keys, encrypted, found.public_part);
  if (key === null) return { holder: null, refused: 'unreadable' };
  return { ...verified, hawk: { id, key, algorithm: 'sha256', user: verified.holder.name } };
}

/**
 * Records when a key was used. The error of a read-only database is ignored, because keys must work
 * even then.
 */
export const noteUse = (on: Queryable, { keyId }: Holder) =>
  run(
    on,
    sql`update credential_key set used_at = utc_timestamp(3)
         where id = ${keyId}
           and coalesce(used_at, '2000-01-01') < utc_timestamp(3) - interval 1 minute`,
  ).catch((error: unknown) => {
    if (unwillingness(error) !== 'read-only') throw error;
  });

/** Encrypts every HAWK secret with the current key, so that the previous key can be removed from the settings. */
export async function encryptAgain(
  on: Queryable,
  keys: NonNullable<EncryptionKeys>,
): Promise<{ encrypted: number; unreadable: string[] }> {
  const others = await select<Stored>(
    on,
    sql`select * from credential_key
         where encrypted_secret is not null and encryption_key <> ${keys.current.id}`,
  );
  const unreadable: string[] = [];
  for (const { id, public_part: owner, encrypted_secret: text, encryption_key: keyId } of others) {
    const secret = decrypt(keys, { keyId: keyId ?? '', text: text ?? '' }, owner);
    if (secret === null) {
      unreadable.push(owner);
    } else {
      const again = encrypt(keys.current, secret, owner);
      await run(
        on,
        sql`update credential_key
               set encrypted_secret = ${again.text}, encryption_key = ${again.keyId}
             where id = ${id} and encryption_key = ${keyId}`,
      );
    }
  }
  return { encrypted: others.length - unreadable.length, unreadable };
}

type Stored = KeyTimes & {
  id: number;
  public_part: string;
  hash: string | null;
  encrypted_secret: string | null;
  encryption_key: string | null;
};
type Found = Stored & {
  credential_id: number;
  name: string;
  kind: Kind;
  scopes: string;
  now: string;
};

const keysWith = (on: Queryable, kind: Kind, publicPart: string) =>
  select<Found>(
    on,
    sql`select k.*, c.name, c.kind, c.scopes, utc_timestamp(3) as now
          from credential_key k join credential c on c.id = k.credential_id
         where k.public_part = ${publicPart} and c.kind = ${kind}`,
  );

const unknown: Refused = { holder: null, refused: 'unknown' };

function verify(found: Found): VerifiedToken {
  const state = stateOf(found, found.now);
  if (!isUsable(state))
    return { holder: null, refused: state === 'revoked' ? 'revoked' : 'expired' };
  const { credential_id: id, kind, name, scopes, id: keyId } = found;
  const holder = { id, kind, name, scopes: JSON.parse(scopes) as string[], keyId };
  return { holder, refused: null };
}
