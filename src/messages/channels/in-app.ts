// The inbox of each person in Oneway. A message appears there when the change that it reports is committed.
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

export const addForHolders = (
  on: Queryable,
  { permission, except }: { permission: string; except: string },
  { event, text, href }: New,
) =>
  run(
    on,
    sql`insert into message (person, event, text, href)
        select person.email, ${event}, ${text.slice(0, 1000)}, ${href}
          from person join permission on permission.person_id = person.id
         where permission.name = ${permission} and person.active and person.email <> ${except}`,
  );

export const of = (on: Queryable, person: string) =>
  select<Message>(
    on,
    sql`select * from message where person = ${person} order by id desc limit 100`,
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

/** Deletes messages that were read more than 90 days ago. */
export const purgeExpired = ({ sql: on }: { sql: Queryable }) =>
  run(on, sql`delete from message where read_at < utc_timestamp() - interval 90 day`);
