// The inbox of each person in Oneway. A message appears in the inbox as soon as the change that it reports is
// committed.
import { first, run, select, sql, type Queryable } from '../../database/sql.ts';

export type Message = {
  id: number;
  at: string;
  event: string;
  text: string;
  href: string | null;
  read_at: string | null;
};

type New = { event: string; text: string; href: string | null };

export const add = (on: Queryable, person: string, { event, text, href }: New) =>
  run(
    on,
    sql`insert into message (person, event, text, href)
        values (${person}, ${event}, ${text.slice(0, 1000)}, ${href})`,
  );

/** The rows that a message is about: their number, and the titles of the first few. */
export type MessageRows = { count: number; titles: string[] };

/** How many rows a message names. */
export const NAMED = 3;

type NewAboutRows = Omit<New, 'text'> & {
  cause: string;
  rows: MessageRows;
  textOf: (rows: MessageRows) => string;
};

/**
 * Adds a message about rows for a person, and returns its text; returns null if the person has no active account in
 * this environment. If the person already has a message with the same `event` and `cause`, the rows are added to that
 * message, and it counts as unread again.
 */
export async function addAboutRows(on: Queryable, person: string, message: NewAboutRows) {
  const { event, href, cause, rows, textOf } = message;
  const text = textOf(rows).slice(0, 1000);
  const titles = JSON.stringify(rows.titles.slice(0, NAMED));
  const written = await run(
    on,
    sql`insert into message (person, event, text, href, cause, row_count, titles)
        select email, ${event}, ${text}, ${href}, ${cause}, ${rows.count}, ${titles}
          from person where email = ${person} and active
        on duplicate key update row_count = message.row_count + values(row_count),
          at = current_timestamp(3), read_at = null`,
  );
  if (written < 2) return written === 0 ? null : text;
  return rewrite(on, person, message);
}

/** Writes the text of a message again, with the rows that were added to it. */
async function rewrite(on: Queryable, person: string, message: NewAboutRows): Promise<string> {
  const { event, cause, rows, textOf } = message;
  const where = sql`person = ${person} and event = ${event} and cause = ${cause}`;
  const line = await first<{ row_count: number; titles: string }>(
    on,
    sql`select row_count, titles from message where ${where}`,
  );
  const titles = [...(JSON.parse(line?.titles ?? '[]') as string[]), ...rows.titles];
  const all = { count: line?.row_count ?? rows.count, titles: titles.slice(0, NAMED) };
  const text = textOf(all).slice(0, 1000);
  await run(
    on,
    sql`update message set text = ${text}, titles = ${JSON.stringify(all.titles)} where ${where}`,
  );
  return text;
}

export const addForHolders = (
  on: Queryable,
  { permission, except }: { permission: string; except: string[] },
  { event, text, href }: New,
) =>
  run(
    on,
    sql`insert into message (person, event, text, href)
        select person.email, ${event}, ${text.slice(0, 1000)}, ${href}
          from person join permission on permission.person_id = person.id
         where permission.name = ${permission} and person.active and person.email not in (${except})`,
  );

/** How many messages a list shows. */
export const SHOWN = 100;

export const of = (on: Queryable, person: string) =>
  select<Message>(
    on,
    sql`select * from message where person = ${person} order by id desc limit ${SHOWN}`,
  );

export async function unread(on: Queryable, person: string): Promise<number> {
  const line = await first<{ unread: number }>(
    on,
    sql`select count(*) as unread from message where person = ${person} and read_at is null`,
  );
  return line?.unread ?? 0;
}

export const markRead = (on: Queryable, person: string, upTo: number) =>
  run(
    on,
    sql`update message set read_at = utc_timestamp(3)
         where person = ${person} and id <= ${upTo} and read_at is null`,
  );

/** Whether this environment has an account with this e-mail that is not closed. */
export const hasOpenAccount = async (on: Queryable, email: string): Promise<boolean> =>
  (await first(on, sql`select id from person where email = ${email} and active`)) !== undefined;

/** Deletes messages that were read more than 90 days ago. */
export const purgeExpired = ({ sql: on }: { sql: Queryable }) =>
  run(on, sql`delete from message where read_at < utc_timestamp() - interval 90 day`);
