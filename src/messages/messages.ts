// What a person is told. A message is written in the same commit as what it tells of, so there is one exactly
// when that happened.
import { first, run, select, sql, type Queryable } from '../database/sql.ts';

export type Message = {
  id: number;
  at: string;
  text: string;
  href: string | null;
  read_at: string | null;
};

export type News = { text: string; href: string | null };

export const tell = (on: Queryable, person: string, { text, href }: News) =>
  run(
    on,
    sql`insert into message (person, text, href) values (${person}, ${text.slice(0, 1000)}, ${href})`,
  );

/** Tells everyone who has a permission here, apart from who did it. */
export const tellHolders = (
  on: Queryable,
  permission: string,
  except: string,
  { text, href }: News,
) =>
  run(
    on,
    sql`insert into message (person, text, href)
        select person.email, ${text.slice(0, 1000)}, ${href}
          from person join permission on permission.person_id = person.id
         where permission.name = ${permission} and person.active and person.email <> ${except}`,
  );

/** Forgets what was read long ago. */
export const tidy = ({ sql: on }: { sql: Queryable }) =>
  run(on, sql`delete from message where read_at < utc_timestamp() - interval 90 day`);

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
