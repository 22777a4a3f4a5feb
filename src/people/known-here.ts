// Reads the accounts of this environment: for its own pages, and for the servers of the other environments, which ask
// for them.
import { z } from 'zod';
import { permissionNames } from '../access/permissions.ts';
import { first, select, sql, type Queryable } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import type { Redis } from '../environments/redis.ts';
import { countSessions } from '../web/session.ts';
import * as people from './people.ts';
import { staying, stayingSchema } from './staying.ts';

/**
 * The schema of an account as servers report it to each other. Permissions that only a newer version of the program
 * knows are left out.
 */
export const knownAccount = z.object({
  id: z.number().int().positive(),
  email: z.string(),
  name: z.string(),
  /** `invited`: no password chosen yet, and no sign-in with single sign-on. */
  state: z.enum(['invited', 'active', 'closed']),
  /** When the invitation expires; null if there is no valid invitation. */
  invitedUntil: z.string().nullable(),
  permissions: z
    .array(z.string())
    .transform((names) => permissionNames.filter((one) => names.includes(one))),
});
export type KnownAccount = z.infer<typeof knownAccount>;

/** The schema of what a server reports about one person in full. */
export const accountInFull = knownAccount.extend({
  lastSignIn: z.string().nullable(),
  sessions: z.number(),
  /**
   * What the person leaves behind in this environment when the account is closed; null unless the caller asked for
   * these counts, because counting reads many rows.
   */
  staying: stayingSchema.nullable(),
});
export type AccountInFull = z.infer<typeof accountInFull>;

type Stored = { id: number; is_linked: number; expires_at: string | null };

/** Selects, for each account, whether it is linked to single sign-on, and when its invitation expires. */
const stored = sql`select p.id, p.subject is not null as is_linked, i.expires_at
                     from person p
                     left join invitation i on i.person_id = p.id and i.kind = 'invitation'
                      and i.expires_at > utc_timestamp(3)`;

/** Lists all accounts of this environment. */
export async function accounts(on: Queryable): Promise<KnownAccount[]> {
  const [all, ways] = await Promise.all([people.list(on), select<Stored>(on, stored)]);
  const byId = new Map(ways.map((one) => [one.id, one]));
  return all.map((person) => toAccount(person, byId.get(person.id)));
}

function toAccount(person: people.Person, way: Stored | undefined): KnownAccount {
  const { id, email, name, permissions, isActive, hasPassword } = person;
  const isUsed = hasPassword || way?.is_linked === 1;
  const state = isActive ? (isUsed ? 'active' : 'invited') : 'closed';
  return { id, email, name, permissions, state, invitedUntil: way?.expires_at ?? null };
}

/** Describes the account with this id; null if this environment has no such account. */
export async function accountWithId(on: Queryable, id: number): Promise<KnownAccount | null> {
  const person = await people.find(on, id);
  return person && describe(on, person);
}

const describe = async (on: Queryable, person: people.Person) =>
  toAccount(person, await first<Stored>(on, sql`${stored} where p.id = ${person.id}`));

/**
 * The account to describe. `countsStaying`: whether to count what the person leaves behind when the account is closed.
 */
export type AccountQuestion = { email: string; countsStaying: boolean };

/** Describes the account with this e-mail in full; null if this environment has no such account. */
export async function accountOf(
  here: App,
  redis: Redis,
  { email, countsStaying }: AccountQuestion,
): Promise<AccountInFull | null> {
  const person = await people.withEmail(here.sql, email.toLowerCase());
  if (!person) return null;
  const account = await describe(here.sql, person);
  const [lastSignIn, sessions, stays] = await Promise.all([
    lastSignInOf(here.sql, account.email),
    account.state === 'closed' ? 0 : sessionsOf(here, redis, person),
    countsStaying ? staying(here.sql, account.email) : null,
  ]);
  return { ...account, lastSignIn, sessions, staying: stays };
}

const sessionsOf = (here: App, redis: Redis, { id, credential }: people.Person) =>
  countSessions(here, redis, (one) => one.personId === id && one.credential === credential);

async function lastSignInOf(on: Queryable, email: string): Promise<string | null> {
  const line = await first<{ at: string }>(
    on,
    sql`select at from audit where person = ${email} and action = 'signed in'
         order by at desc limit 1`,
  );
  return line?.at ?? null;
}
