// Admits people who sign in through the sign-in provider. At the first sign-in, the e-mail identifies a known person;
// later, the provider’s id (issuer and subject) does. New people get an account. People get the permissions that the
// provider sends.
import { z } from 'zod';
import { isAdmitted } from '../access/admitted.ts';
import { grantable, type Permission } from '../access/permissions.ts';
import * as audit from '../audit/audit.ts';
import { first, run, sql, transaction, type Queryable } from '../database/sql.ts';
import { isUnwilling } from '../database/unwillingness.ts';
import type { App } from '../environments/app.ts';
import type { Environment } from '../environments/environment.ts';
import { Invalid } from '../problems.ts';
import { requiredLine } from '../typed-text.ts';
import { noPassword } from './passwords.ts';
import * as people from './people.ts';
import type { Claims } from './provider.ts';

const BY = 'single sign-on';

const identity = z.object({
  email: z.string().trim().toLowerCase().pipe(z.email().max(190)),
  email_verified: z.literal(true),
  name: requiredLine('The provider gives no name', 100).optional().catch(undefined),
  iss: z.string().max(255),
  sub: z.string().regex(/^[\x20-\x7e]{1,255}$/),
});

type Refused = 'unverified' | 'closed' | 'not-admitted' | 'other-identity';
export type Admission = { person: people.Person } | { refused: Refused };

export async function admit(here: App, claims: Claims): Promise<Admission> {
  const known = identity.safeParse(claims);
  if (!known.success) return { refused: 'unverified' };
  const { singleSignOn } = here.settings;
  const { email, name = email, iss: issuer, sub: subject } = known.data;
  if (!isAdmitted(singleSignOn?.admits ?? null, { email, claims })) {
    return { refused: 'not-admitted' };
  }
  const found = await personOf(here, { issuer, subject, email, name });
  if (!found) return { refused: 'other-identity' };
  if (!found.isActive) return { refused: 'closed' };
  const claim = singleSignOn?.permissionsClaim;
  if (!claim) return { person: found };
  await follow(here, found, permissionsIn(claims[claim], here)).catch((error: unknown) => {
    // If this environment’s database is read-only, the new permissions cannot be stored. The person still signs in,
    // with unchanged permissions.
    if (!isUnwilling(error)) throw error;
    here.log.warn({ err: error, person: found.id }, 'permissions were not updated');
  });
  return { person: await people.known(here.sql, found.id) };
}

type Identity = { issuer: string; subject: string };

type Comer = Identity & { email: string; name: string };

/**
 * Finds or adds the account of an identity at the provider. After the first sign-in, the identity’s
 * e-mail may change. Returns null when another identity is linked to the account with this e-mail,
 * because a company may give a former employee’s address to someone else.
 */
async function personOf(here: App, comer: Comer): Promise<people.Person | null> {
  const { sql: on, log } = here;
  const known = await findByIdentity(on, comer);
  if (known) return known;
  const former = await findUnlinked(on, comer);
  if (!former) await addUnlessThere(on, comer);
  try {
    await link(on, comer);
  } catch (error) {
    // The database of this environment is read-only now, so the account is linked at a later sign-in.
    if (!former || !isUnwilling(error)) throw error;
    log.warn({ err: error, person: former.id }, 'single sign-on was not linked');
    return former;
  }
  return findByIdentity(on, comer);
}

async function findUnlinked(on: Queryable, { email }: Comer) {
  const found = await first<{ id: number }>(
    on,
    sql`select id from person where email = ${email} and subject is null`,
  );
  return found ? people.find(on, found.id) : null;
}

const link = (on: Queryable, { issuer, subject, email }: Comer) =>
  run(
    on,
    sql`update person set issuer = ${issuer}, subject = ${subject}
         where email = ${email} and subject is null`,
  );

async function findByIdentity(on: Queryable, { issuer, subject }: Identity) {
  const found = await first<{ id: number }>(
    on,
    sql`select id from person where issuer = ${issuer} and subject = ${subject}`,
  );
  return found ? people.find(on, found.id) : null;
}

const addUnlessThere = (on: App['sql'], { email, name }: Comer) =>
  transaction(on, async (connection) => {
    // `insert ignore` does nothing when the account exists already, for example after a
    // simultaneous sign-in of the same person.
    const added = await run(
      connection,
      sql`insert ignore into person (email, name, password_hash)
          values (${email}, ${name.slice(0, 100)}, ${noPassword})`,
    );
    if (added > 0) {
      await audit.write(connection, { person: BY, action: 'added person', subject: email });
    }
  });

/**
 * Unlinks an account from its identity at the provider. The next identity that signs in with the
 * account’s e-mail is linked to the account instead.
 */
export async function unlink(here: Environment, by: string, id: number) {
  await transaction(here.sql, async (connection) => {
    const { email } = await people.known(connection, id);
    await run(connection, sql`update person set issuer = null, subject = null where id = ${id}`);
    await audit.write(connection, {
      person: by,
      action: 'unlinked single sign-on',
      subject: email,
    });
  });
}

export const isLinked = async (on: Queryable, id: number): Promise<boolean> =>
  (await first(on, sql`select 1 from person where id = ${id} and subject is not null`)) !==
  undefined;

/**
 * Reads the permissions that the provider lists in a claim about a person. Permissions that cannot be granted in this
 * environment are dropped.
 */
function permissionsIn(claim: unknown, { setup: grounds }: App): Permission[] {
  const named = [claim ?? []].flat();
  return grantable(grounds).filter((permission) => named.includes(permission));
}

/**
 * Grants and revokes permissions so that a person has those that the sign-in provider sends. The last administrator
 * stays administrator.
 */
async function follow(here: App, person: people.Person, wanted: Permission[]) {
  if (isSame(person.permissions, wanted)) return;
  const set = (permissions: Permission[]) =>
    people.setPermissions(here, here.setup, BY, person.id, permissions);
  try {
    await set(wanted);
  } catch (error) {
    if (!(error instanceof Invalid && error.fields['administrator'])) throw error;
    here.log.warn({ person: person.id }, 'the last administrator keeps the permission');
    const kept: Permission[] = [...wanted, 'administrator'];
    if (!isSame(person.permissions, kept)) await set(kept);
  }
}

const isSame = (some: Permission[], others: Permission[]) =>
  some.length === others.length && some.every((one) => others.includes(one));
