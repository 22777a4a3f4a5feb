// Accounts of people and their permissions in this environment.
import { labelsOf } from '../access/permission-words.ts';
import {
  isPermission,
  permissionNames,
  type Account,
  type Permission,
} from '../access/permissions.ts';
import type { PoolConnection } from 'mysql2/promise';
import * as audit from '../audit/audit.ts';
import { first, run, select, sql, transaction, type Queryable } from '../database/sql.ts';
import { timeouts } from '../database/timeouts.ts';
import type { EnvironmentSetup } from '../environments/rules.ts';
import type { Environment } from '../environments/environment.ts';
import * as outbox from '../messages/outbox.ts';
import { Invalid, NotFound, parsed } from '../problems.ts';
import { grantableAmong, keepOneAdministrator, storePermissions } from './granting.ts';
import { newPassword } from './new-password.ts';
import { newPerson } from './new-person.ts';
import { withOwnTicks } from '../web/form/merge.ts';
import { inWholeSteps } from './whole-steps.ts';
import { knownZone } from '../zoned-text.ts';
import { hashPassword, isPassword, noPassword } from './passwords.ts';

/**
 * A person as stored. `credential` changes with the password and when the account is closed, which makes earlier
 * sessions and tokens invalid.
 */
export type Person = Account & { isActive: boolean; hasPassword: boolean; credential: string };

type Stored = {
  id: number;
  email: string;
  name: string;
  active: number;
  has_password: number;
  credential: string;
  permissions: string | null;
  zone: string | null;
};

const toPerson = (stored: Stored): Person => ({
  id: stored.id,
  email: stored.email,
  name: stored.name,
  credential: stored.credential,
  zone: knownZone(stored.zone),
  isActive: stored.active === 1,
  hasPassword: stored.has_password === 1,
  permissions: permissionNames.filter((one) => (stored.permissions ?? '').split(',').includes(one)),
});

/** A hash that changes with the password, and each time the account is closed. */
const credential = sql`sha2(if(p.closings = 0, p.password_hash, concat(p.password_hash, '\n', p.closings)), 256)`;

const columns = sql`p.id, p.email, p.name, p.active, p.time_zone as zone, ${credential} as credential,
                    p.password_hash <> ${noPassword} as has_password, group_concat(m.name) as permissions`;

export async function list(on: Queryable): Promise<Person[]> {
  const people = await select<Stored>(
    on,
    sql`select ${columns} from person p left join permission m on m.person_id = p.id
         group by p.id order by p.name, p.id`,
  );
  return people.map(toPerson);
}

export async function find(on: Queryable, id: number): Promise<Person | null> {
  const person = await first<Stored>(
    on,
    sql`select ${columns} from person p left join permission m on m.person_id = p.id
         where p.id = ${id} group by p.id`,
  );
  return person ? toPerson(person) : null;
}

/**
 * Reads a person.
 * @throws NotFound when there is no person with this id
 */
export async function known(on: Queryable, id: number): Promise<Person> {
  const person = await find(on, id);
  if (!person) throw new NotFound('There is no such person.');
  return person;
}

/**
 * Finds the person with this e-mail and password, or returns null. The time until the answer does
 * not reveal whether the person exists.
 */
export const verify = (on: Queryable, email: string, password: string): Promise<Person | null> =>
  inWholeSteps(timeouts.signIn, () => withPassword(on, email, password));

async function withPassword(
  on: Queryable,
  email: string,
  password: string,
): Promise<Person | null> {
  const stored = await first<{ id: number; password_hash: string; active: number }>(
    on,
    sql`select id, password_hash, active from person where email = ${email.trim().toLowerCase()}`,
  );
  const isRight = await isPassword(password, stored?.password_hash ?? noPassword);
  return stored && isRight && stored.active === 1 ? find(on, stored.id) : null;
}

/** Finds the person with this e-mail, who may no longer be active. */
export async function withEmail(on: Queryable, email: string): Promise<Person | null> {
  const line = await first<{ id: number }>(on, sql`select id from person where email = ${email}`);
  return line ? find(on, line.id) : null;
}

export const hasAccount = async (on: Queryable, email: string): Promise<boolean> =>
  (await first(on, sql`select 1 from person where email = ${email}`)) !== undefined;

/**
 * Adds a person, usually without a password: the person then chooses one through an invitation, or
 * uses single sign-on.
 */
export async function add(
  here: Environment,
  by: string,
  posted: { name?: string; email?: string; password?: string },
  permissions: Permission[] = [],
): Promise<number> {
  const { name, email } = parsed(newPerson, posted);
  const hash =
    posted.password === undefined
      ? noPassword
      : await hashPassword(await newPassword({ name, email }, posted));
  return transaction(here.sql, async (connection) => {
    // `insert ignore` adds nothing when the account exists already, for example after a double click.
    const inserted = await run(
      connection,
      sql`insert ignore into person (email, name, password_hash)
          values (${email}, ${name}, ${hash})`,
    );
    if (inserted === 0) throw new Invalid({ email: `${email} has an account already` });
    await audit.write(connection, { person: by, action: 'added person', subject: email });
    const added = await first<{ id: number }>(
      connection,
      sql`select id from person where email = ${email}`,
    );
    const id = added?.id ?? 0;
    if (permissions.length > 0) await storePermissions(connection, by, { id, email }, permissions);
    return id;
  });
}

/**
 * Grants the wanted permissions and revokes all others. If `shown` lists the permissions that the page displayed, only
 * the differences from `shown` are granted or revoked. Returns the permissions that the person had before.
 * @throws Invalid for a permission that may not be granted in this environment (product_manager in production)
 */
export async function setPermissions(
  here: Environment,
  place: EnvironmentSetup,
  by: string,
  id: number,
  wanted: string[],
  shown: string[] | null = null,
): Promise<Permission[]> {
  const ticked = grantableAmong(here, place, wanted);
  return transaction(here.sql, async (connection) => {
    const person = await lockedWithAdministrators(connection, id);
    const { permissions } = person;
    const granted = withOwnTicks(permissions, shown ?? permissions, ticked).filter(isPermission);
    if (permissions.includes('administrator') && !granted.includes('administrator')) {
      await keepOneAdministrator(connection, id);
    }
    await storePermissions(connection, by, person, granted);
    return permissions;
  });
}

/** Stores in which time zone a person reads times. */
export const setZone = (on: Queryable, id: number, zone: string) =>
  run(on, sql`update person set time_zone = ${zone} where id = ${id}`);

/** Stores the time zone of the browser as the person’s time zone, unless one is stored already. */
export const guessZone = (on: Queryable, { id }: Person, zone: string) =>
  run(on, sql`update person set time_zone = ${zone} where id = ${id} and time_zone is null`);

/**
 * Reads a person and locks the row, so that the second of two simultaneous changes sees the result
 * of the first.
 */
export async function locked(connection: PoolConnection, id: number): Promise<Person> {
  await first(connection, sql`select id from person where id = ${id} for update`);
  return known(connection, id);
}

/**
 * Reads a person who may be an administrator, and locks the rows of this person and of all administrators, always in
 * the same order. Two administrators who close each other’s accounts at the same moment then wait for one another.
 */
async function lockedWithAdministrators(connection: PoolConnection, id: number): Promise<Person> {
  await lockHolders(connection, 'administrator', id);
  return known(connection, id);
}

/** Locks the rows of all people with a permission, and of the person with this id, in the order of their ids. */
const lockHolders = (connection: PoolConnection, permission: Permission, id = 0) =>
  select<{ email: string }>(
    connection,
    sql`select p.email from person p
         where p.id = ${id} or exists (select 1 from permission m
                                        where m.person_id = p.id and m.name = ${permission})
         order by p.id for update`,
  );

/**
 * Closes an account, or opens it again. Does nothing if the account is in that state already.
 * @throws Invalid for the last administrator, whose account cannot be closed
 */
export async function setActive(here: Environment, by: string, id: number, isActive: boolean) {
  await transaction(here.sql, async (connection) => {
    const person = await lockedWithAdministrators(connection, id);
    if (person.isActive === isActive) return;
    if (!isActive && person.permissions.includes('administrator')) {
      await keepOneAdministrator(connection, id);
    }
    if (isActive) await run(connection, sql`update person set active = true where id = ${id}`);
    else await endAccess(connection, person);
    const action = isActive ? 'opened account' : 'closed account';
    await audit.write(connection, { person: by, action, subject: person.email });
  });
}

/**
 * Closes an account. Its sessions, command-line tokens and password links become invalid for good, and e-mails with
 * such a link that were not sent yet are never sent.
 */
async function endAccess(connection: PoolConnection, { id, email }: Person) {
  await run(
    connection,
    sql`update person set active = false, closings = closings + 1 where id = ${id}`,
  );
  await run(connection, sql`delete from invitation where person_id = ${id}`);
  await outbox.failSecrets(connection, { recipient: email }, 'The account was closed.');
}

export async function setPassword(here: Environment, by: string, id: number, posted: unknown) {
  const hash = await hashPassword(await newPassword(await known(here.sql, id), posted));
  await transaction(here.sql, async (connection) => {
    const { email } = await known(connection, id);
    await storePassword(connection, { id, email }, hash);
    await audit.write(connection, { person: by, action: 'set password', subject: email });
  });
}

/**
 * Stores the hash of a new password. The person’s sessions, command-line tokens and password links become invalid, and
 * e-mails with such a link that were not sent yet are never sent.
 */
export async function storePassword(
  on: Queryable,
  { id, email }: Pick<Person, 'id' | 'email'>,
  hash: string,
) {
  await run(on, sql`update person set password_hash = ${hash} where id = ${id}`);
  await run(on, sql`delete from invitation where person_id = ${id}`);
  await outbox.failSecrets(on, { recipient: email }, 'The person has a new password already.');
}

/** Grants a permission to one person, or revokes it. */
export async function changePermission(
  here: Environment,
  place: EnvironmentSetup,
  by: string,
  { email, permission, isGiven }: { email: string; permission: Permission; isGiven: boolean },
) {
  const person = (await list(here.sql)).find((one) => one.email === email.trim().toLowerCase());
  if (!person) throw new NotFound(`Nobody here has the e-mail ${email}.`);
  const [wanted, shown] = isGiven ? [[permission], []] : [[], [permission]];
  await setPermissions(here, place, by, person.id, wanted, shown);
}

/** Revokes a permission from everyone; returns the people who had it. */
export async function revokeFromEveryone(here: Environment, by: string, permission: Permission) {
  return transaction(here.sql, async (connection) => {
    const holders = await lockHolders(connection, permission);
    await run(connection, sql`delete from permission where name = ${permission}`);
    for (const { email } of holders) {
      const detail = `${labelsOf([permission])} taken from everyone`;
      await audit.write(connection, { person: by, action: 'revoked', subject: email, detail });
    }
    return holders.map(({ email }) => email);
  });
}
