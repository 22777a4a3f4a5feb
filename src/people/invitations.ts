// Invitations are links with which people choose their own password, once, within a day. Only the hash of a link’s
// token is stored.
import { hash, randomBytes } from 'node:crypto';
import * as audit from '../audit/audit.ts';
import { first, run, sql, transaction, type Queryable } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import type { Environment } from '../environments/environment.ts';
import { Conflict, Problem } from '../problems.ts';
import { newPassword } from './new-password.ts';
import { hashPassword } from './passwords.ts';
import * as people from './people.ts';

const HOURS = 24;

/**
 * Creates an invitation and returns its token, which is not stored. An earlier invitation of the
 * person stops working; an existing password remains valid until the person chooses a new one.
 * `seen` is the expiry of the invitation that the page showed: a newer invitation is not replaced.
 * @throws Conflict when there is a newer invitation
 */
export async function invite(
  here: Environment,
  by: string,
  id: number,
  seen: string | null = null,
): Promise<string> {
  const token = randomBytes(32).toString('base64url');
  await transaction(here.sql, async (connection) => {
    const person = await people.locked(connection, id);
    const open = await openUntil(connection, id);
    if (seen !== null && open !== null && open !== seen) {
      throw new Conflict(
        `Another administrator has made a link for ${person.name} meanwhile, and it works. To end it and make another one, open the person's page again.`,
      );
    }
    await run(
      connection,
      sql`replace into invitation (person_id, token_hash, expires_at)
          values (${id}, ${hash('sha256', token)}, utc_timestamp(3) + interval ${HOURS} hour)`,
    );
    await audit.write(connection, {
      person: by,
      action: 'invited person',
      subject: person.email,
    });
  });
  return token;
}

/**
 * The URL of an invitation; a path without host if the settings do not contain this server’s URL.
 */
export const linkOf = ({ name, settings }: App, token: string): string =>
  `${settings.urls[name] ?? ''}/invitation?token=${token}`;

/** Until when a person’s invitation can be used; null when the person has no valid invitation. */
export async function openUntil(on: Queryable, id: number): Promise<string | null> {
  const open = await first<{ expires_at: string }>(
    on,
    sql`select expires_at from invitation where person_id = ${id} and expires_at > utc_timestamp(3)`,
  );
  return open?.expires_at ?? null;
}

/** Finds the person that a token invites; null when the invitation was used, replaced or has expired. */
export async function find(on: Queryable, token: string): Promise<people.Person | null> {
  const open = await first<{ person_id: number }>(
    on,
    sql`select person_id from invitation
         where token_hash = ${hash('sha256', token)} and expires_at > utc_timestamp(3)`,
  );
  const person = open && (await people.find(on, open.person_id));
  return person?.isActive ? person : null;
}

/**
 * Finds the person that a token invites.
 * @throws Problem 410 when the invitation was used, replaced or has expired
 */
export async function invited(on: Queryable, token: string): Promise<people.Person> {
  const person = await find(on, token);
  if (!person) throw expired();
  return person;
}

/**
 * Sets the password that the invited person chose, and ends the invitation.
 * @throws Problem 410 when the invitation was used meanwhile, Invalid for a password that is easy
 * to guess
 */
export async function accept(
  here: Environment,
  token: string,
  posted: unknown,
): Promise<people.Person> {
  const person = await invited(here.sql, token);
  const passwordHash = await hashPassword(await newPassword(person, posted));
  return transaction(here.sql, async (connection) => {
    const used = await run(
      connection,
      sql`delete from invitation
           where token_hash = ${hash('sha256', token)} and expires_at > utc_timestamp(3)`,
    );
    if (used === 0) throw expired();
    await people.storePassword(connection, person.id, passwordHash);
    await audit.write(connection, {
      person: person.email,
      action: 'accepted invitation',
      subject: person.email,
    });
    return people.known(connection, person.id);
  });
}

const expired = () =>
  new Problem(
    410,
    `This link was used, or it is older than ${HOURS} hours. Ask an administrator for a new one.`,
  );
