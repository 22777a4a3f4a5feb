// Links with which a person chooses a password. Each link works only once: an invitation within a day, and a link that
// the person asked for within four hours. Only the hash of a link’s token is stored.
import { hash, randomBytes } from 'node:crypto';
import type { PoolConnection } from 'mysql2/promise';
import * as audit from '../audit/audit.ts';
import { first, run, sql, transaction, type Queryable } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import type { Environment } from '../environments/environment.ts';
import * as outbox from '../messages/outbox.ts';
import { Conflict, Problem } from '../problems.ts';
import { newPassword } from './new-password.ts';
import { hashPassword } from './passwords.ts';
import * as people from './people.ts';

/**
 * The kinds of link. Anybody can ask for a link of the kind `reset` in the name of a person, so it ends no other link. A
 * new invitation by an administrator ends the earlier one.
 */
type Kind = 'invitation' | 'reset';

/**
 * How many hours a link works after it was made. Four hours are enough for a delayed e-mail: if the mail server is down
 * for an hour, the e-mail is sent within 90 minutes.
 */
const hours: Record<Kind, number> = { invitation: 24, reset: 4 };

/** The event name (`account.invitation` or `account.reset`) of the e-mail that contains a link of this kind. */
export const eventOf = (kind: Kind) => `account.${kind}`;

/** A link that was just made, as its token and its expiry. The database stores only a hash of the token. */
export type Made = { token: string; endsAt: string };

/** What is done in the transaction that makes a link, such as adding the e-mail that contains it. */
export type Alongside = (on: PoolConnection, person: people.Person, made: Made) => Promise<void>;

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
  { seen = null, alongside }: { seen?: string | null; alongside?: Alongside } = {},
): Promise<string> {
  return transaction(here.sql, async (connection) => {
    const person = await people.locked(connection, id);
    if (!person.isActive) {
      throw new Conflict(`The account of ${person.name} is closed. Open it again first.`);
    }
    const open = await openUntil(connection, id);
    if (seen !== null && open !== null && open !== seen) {
      throw new Conflict(
        `Another administrator has made a link for ${person.name} meanwhile, and it works. To end it and make another one, open the person's page again.`,
      );
    }
    const made = await issue(connection, person, 'invitation');
    await alongside?.(connection, person, made);
    await audit.write(connection, {
      person: by,
      action: 'invited person',
      subject: person.email,
    });
    return made.token;
  });
}

/** Makes a link for a person who asked for a new password; does nothing if the account is closed. */
export const reset = (here: Environment, id: number, alongside: Alongside) =>
  transaction(here.sql, async (connection) => {
    const person = await people.locked(connection, id);
    if (!person.isActive) return;
    await alongside(connection, person, await issue(connection, person, 'reset'));
    await noteAsked(connection, person.email);
  });

/**
 * Records in the audit history that somebody who was not signed in asked for a new password. `subject`: whose password
 * it was, as an e-mail or, for an unknown e-mail, its hash.
 */
export const noteAsked = (on: Queryable, subject: string) =>
  audit.write(on, { person: 'not signed in', action: 'asked for a new password', subject });

/**
 * Makes a link. Expired links are deleted. A new invitation ends the earlier one, even if the e-mail with the earlier
 * one was not sent yet.
 */
async function issue(on: PoolConnection, { id, email }: people.Person, kind: Kind): Promise<Made> {
  if (kind === 'invitation') {
    const former = { recipient: email, event: eventOf(kind) };
    await outbox.failSecrets(on, former, 'Another link replaced the one in it.');
  }
  await run(
    on,
    sql`delete from invitation
         where person_id = ${id} and (expires_at <= utc_timestamp(3) or kind = 'invitation' and ${kind} = kind)`,
  );
  const token = randomBytes(32).toString('base64url');
  await run(
    on,
    sql`insert into invitation (person_id, kind, token_hash, expires_at)
        values (${id}, ${kind}, ${hash('sha256', token)},
          utc_timestamp(3) + interval ${hours[kind]} hour)`,
  );
  const line = await first<{ expires_at: string }>(
    on,
    sql`select expires_at from invitation where token_hash = ${hash('sha256', token)}`,
  );
  return { token, endsAt: line?.expires_at ?? '' };
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
    sql`select expires_at from invitation
         where person_id = ${id} and kind = 'invitation' and expires_at > utc_timestamp(3)`,
  );
  return open?.expires_at ?? null;
}

type Open = { person: people.Person; kind: Kind };

/** Finds a link that works by its token; null when the link was used, ended or has expired. */
export async function find(on: Queryable, token: string): Promise<Open | null> {
  const open = await first<{ person_id: number; kind: Kind }>(
    on,
    sql`select person_id, kind from invitation
         where token_hash = ${hash('sha256', token)} and expires_at > utc_timestamp(3)`,
  );
  if (!open) return null;
  const person = await people.find(on, open.person_id);
  return person?.isActive ? { person, kind: open.kind } : null;
}

/**
 * Finds a link that works by its token.
 * @throws Problem 410 when the link was used, ended or has expired
 */
export async function opened(on: Queryable, token: string): Promise<Open> {
  const open = await find(on, token);
  if (!open) throw expired();
  return open;
}

/** How the audit history names the use of a link of each kind. */
const uses: Record<Kind, string> = { invitation: 'accepted invitation', reset: 'reset password' };

/**
 * Sets the password that the person chose with a link, and ends all links of the person.
 * @throws Problem 410 when the link was used or ended meanwhile, Invalid for a password that is easy
 * to guess
 */
export async function accept(
  here: Environment,
  token: string,
  posted: unknown,
): Promise<people.Person> {
  const { person, kind } = await opened(here.sql, token);
  const passwordHash = await hashPassword(await newPassword(person, posted));
  return transaction(here.sql, async (connection) => {
    // Locked before the link, as whoever makes or ends links does, so that two at once wait for each other.
    await people.locked(connection, person.id);
    const used = await run(
      connection,
      sql`delete from invitation
           where token_hash = ${hash('sha256', token)} and expires_at > utc_timestamp(3)`,
    );
    if (used === 0) throw expired();
    await people.storePassword(connection, person, passwordHash);
    const { email } = person;
    await audit.write(connection, { person: email, action: uses[kind], subject: email });
    return people.known(connection, person.id);
  });
}

const expired = () =>
  new Problem(
    410,
    'This link was used or replaced, or it has expired. Ask an administrator for a new one.',
  );
