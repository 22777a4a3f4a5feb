// Handles the secret fields of rows, such as the key of an external tool. A secret that a user types is sealed
// (encrypted for the environment that stores it) before any other code sees it. It is decrypted only for API keys
// that have the scope for secrets.
import type { Content, Draft, Entity, Row } from '../catalog/entity.ts';
import { labelOf } from '../catalog/entity.ts';
import { AS_STORED, type Value } from '../catalog/fields.ts';
import { isMask, maskOf, sealedParts, secretsOf, secretVersion } from '../catalog/secret.ts';
import { first, name, run, select, sql, type Queryable } from '../database/sql.ts';
import type { Environment } from '../environments/environment.ts';
import { Invalid } from '../problems.ts';
import type { EncryptionKeys } from './encryption.ts';
import { open, publicText, seal, sealingKey, sealingKeyFrom, type SealingKey } from './sealing.ts';

const ownerOf = ({ name: entity }: Entity, field: string) => `${entity}.${field}`;

/**
 * Stores the public key of this environment in its database, so that the environment that transfers rows into this one
 * can encrypt secrets for it. Does nothing if CREDENTIALS_KEY is not set.
 */
export async function publishSealingKey({ sql: on, credentialsKeys }: Environment) {
  if (!credentialsKeys) return;
  const own = sealingKey(credentialsKeys.current);
  const text = publicText(own);
  await run(
    on,
    sql`insert into sealing_key (place, id, public_key) values (1, ${own.id}, ${text})
        on duplicate key update id = ${own.id}, public_key = ${text}`,
  );
}

/**
 * Returns the public key that encrypts secrets for an environment; null if the environment has no
 * CREDENTIALS_KEY.
 */
async function sealingKeyOf({ sql: on, credentialsKeys }: Environment): Promise<SealingKey | null> {
  if (credentialsKeys) return sealingKey(credentialsKeys.current);
  const line = await first<{ id: string; public_key: string }>(
    on,
    sql`select id, public_key from sealing_key where place = 1`,
  );
  return line ? sealingKeyFrom(line.id, line.public_key) : null;
}

/**
 * Encrypts the secrets that a user typed, for the environment `place` that stores the row. A secret
 * keeps its stored ciphertext if the user left its input empty or typed the same secret again.
 * @throws Invalid when the environment cannot store secrets
 */
export async function sealSecrets(
  place: Environment,
  entity: Entity,
  content: Content,
  stored: Row | Content | null,
): Promise<Content> {
  const sealed: Draft<Content> = { ...content };
  for (const field of secretsOf(entity)) {
    const typed = content[field];
    if (typed !== undefined) {
      sealed[field] = await sealedValue(place, entity, field, typed, stored?.[field] ?? null);
    }
  }
  return sealed;
}

async function sealedValue(
  place: Environment,
  entity: Entity,
  field: string,
  typed: Value,
  stored: Value,
): Promise<Value> {
  if (typed === AS_STORED || isMask(typed)) return stored;
  if (typeof typed !== 'string' || sealedParts(typed)) return typed;
  const owner = ownerOf(entity, field);
  if (typeof stored === 'string' && open(place.credentialsKeys, stored, owner) === typed) {
    return stored;
  }
  const key = await sealingKeyOf(place);
  if (key) return seal(key, typed, { owner });
  const label = labelOf(entity, field);
  throw new Invalid({
    [field]: `${label} cannot be kept: ${place.rules.inText} has no CREDENTIALS_KEY. Ask an administrator to set it.`,
  });
}

/**
 * Decrypts the secrets of the given rows, for callers whose API key has the scope for secrets.
 * Returns the secrets by row id, without those that cannot be decrypted.
 */
export async function openedSecrets(
  { sql: on, credentialsKeys }: Environment,
  entity: Entity,
  ids: number[],
): Promise<Map<number, Record<string, string | null>>> {
  const fields = secretsOf(entity);
  const opened = new Map<number, Record<string, string | null>>();
  for (const field of ids.length > 0 ? fields : []) {
    const rows = await select<{ id: number; value: string | null }>(
      on,
      sql`select id, ${name(field)} as value from ${name(entity.table)} where id in (${ids})`,
    );
    for (const { id, value } of rows) {
      const isSealed = sealedParts(value) !== null;
      const clear = isSealed ? open(credentialsKeys, value ?? '', ownerOf(entity, field)) : value;
      const own = opened.get(id) ?? {};
      if (!isSealed || clear !== null) own[field] = clear;
      opened.set(id, own);
    }
  }
  return opened;
}

export type SealedAgain = { sealed: number; unreadable: string[] };

/**
 * Encrypts every stored secret with the current key, if it is in clear text or encrypted with the previous key. The
 * rows do not count as changed: `modified_at` stays the same, and so does the version of each secret, by which the
 * history of a row recognises changes.
 */
export async function sealAgain(
  on: Queryable,
  keys: NonNullable<EncryptionKeys>,
  entities: readonly Entity[],
): Promise<SealedAgain> {
  const result: SealedAgain = { sealed: 0, unreadable: [] };
  for (const entity of entities) {
    for (const field of secretsOf(entity)) {
      for (const { id, value } of await storedSecrets(on, entity, field)) {
        const again = sealedWithCurrent(keys, value, ownerOf(entity, field));
        if (again === null) result.unreadable.push(`${entity.name}:${id}`);
        else if (again !== value) {
          result.sealed += await run(
            on,
            sql`update ${name(entity.table)} set ${name(field)} = ${again}
                 where id = ${id} and ${name(field)} = ${value}`,
          );
        }
      }
    }
  }
  return result;
}

const storedSecrets = (on: Queryable, entity: Entity, field: string) =>
  select<{ id: number; value: string }>(
    on,
    sql`select id, ${name(field)} as value from ${name(entity.table)}
         where ${name(field)} is not null and ${name(field)} <> '' order by id`,
  );

/**
 * Encrypts one stored secret with the current key. The version of the secret stays the same, so that the history of the
 * row and the journal of transfers do not show a change. Returns null when the secret cannot be decrypted.
 */
function sealedWithCurrent(
  keys: NonNullable<EncryptionKeys>,
  value: string,
  owner: string,
): string | null {
  const to = sealingKey(keys.current);
  const parts = sealedParts(value);
  if (parts?.keyId === to.id) return value;
  if (!parts) return seal(to, value, { owner, version: secretVersion(maskOf(value)) ?? '' });
  const clear = open(keys, value, owner);
  return clear === null
    ? null
    : seal(to, clear, { owner, since: parts.since, version: parts.version });
}

/** Counts the secrets that other programs or earlier versions of Oneway stored in clear text. */
export async function countInClear(on: Queryable, entities: readonly Entity[]): Promise<number> {
  let found = 0;
  for (const entity of entities) {
    for (const field of secretsOf(entity)) {
      const stored = await storedSecrets(on, entity, field);
      found += stored.filter(({ value }) => !sealedParts(value)).length;
    }
  }
  return found;
}
