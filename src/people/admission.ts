// Admits people who sign in through the provider: matched by e-mail, otherwise added, with the permissions
// that the provider sends.
import { z } from 'zod';
import { grantable, type Permission } from '../access/permissions.ts';
import * as audit from '../audit/audit.ts';
import { isUnwilling } from '../database/unwillingness.ts';
import { first, run, sql, transaction } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
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
});

export type Admission = { person: people.Person } | { refused: 'unverified' | 'closed' };

export async function admit(here: App, claims: Claims): Promise<Admission> {
  const known = identity.safeParse(claims);
  if (!known.success) return { refused: 'unverified' };
  const { email, name = email } = known.data;
  const person = (await findByEmail(here, email)) ?? (await add(here, email, name));
  if (!person?.isActive) return { refused: 'closed' };
  const claim = here.settings.singleSignOn?.permissionsClaim;
  if (!claim) return { person };
  await follow(here, person, permissionsIn(claims[claim], here)).catch((error: unknown) => {
    // They are as they were while this environment takes no changes.
    if (!isUnwilling(error)) throw error;
    here.log.warn({ err: error, person: person.id }, 'permissions were not updated');
  });
  return { person: (await people.find(here.sql, person.id)) ?? person };
}

async function findByEmail({ sql: pool }: App, email: string) {
  const found = await first<{ id: number }>(
    pool,
    sql`select id from person where email = ${email}`,
  );
  return found ? people.find(pool, found.id) : null;
}

async function add(here: App, email: string, name: string) {
  await transaction(here.sql, async (connection) => {
    // Ignored when the same person signs in twice at the same time.
    const added = await run(
      connection,
      sql`insert ignore into person (email, name, password_hash)
          values (${email}, ${name.slice(0, 100)}, ${noPassword})`,
    );
    if (added === 0) return;
    await audit.write(connection, { person: BY, action: 'added person', subject: email });
  });
  return findByEmail(here, email);
}

/** Permissions in a claim that can be granted here; others are ignored. */
function permissionsIn(claim: unknown, { setup: grounds }: App): Permission[] {
  const named = [claim ?? []].flat();
  return grantable(grounds).filter((permission) => named.includes(permission));
}

/** Grants and revokes what the provider says; the last administrator keeps the permission. */
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
