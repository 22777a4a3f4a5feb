// Reads the latest changes of an environment: what was written here, what was sent from here, and who is saving now.
// The queries read a limited number of rows, however long the history is.
import { select, sql, type Queryable } from '../database/sql.ts';
import type { Transfer } from '../writing/journal.ts';
import { undoneCount, undoneIn, writtenCount, type UndoneInList } from '../state/undone.ts';
import { sentKinds, type StepAction, type TransferKind } from '../state/transfer-kinds.ts';

/** How many lines of a list the home page shows. */
const SHOWN = 6;

/**
 * A save, transfer or refresh that wrote rows to this environment. The entity and the title are those of the first row
 * that it wrote.
 */
export type Written = {
  kind: TransferKind;
  name: string;
  person: string;
  at: string;
  entity: string;
  root_entity: string;
  root_id: number;
  title: string;
  action: StepAction;
  rows_count: number;
};

/** How many of the newest entries of the table `arrival`, which records every written row, are searched. */
const LINES = 2000;

/** Lists the newest saves, transfers and other writes whose kind is in `kinds`, newest first. */
export const lastWritten = (on: Queryable, kinds: readonly TransferKind[]) =>
  select<Written>(
    on,
    sql`select a.kind, a.name, a.person, a.at, a.entity, a.root_entity, a.root_id, a.title, a.action,
               (select count(*) from arrival every_row where every_row.transfer = a.transfer) as rows_count
          from (select min(id) as id
                  from (select id, transfer from arrival
                         where kind in (${kinds}) order by id desc limit ${LINES}) newest
                 group by transfer
                 order by max(id) desc
                 limit ${SHOWN}) head
          join arrival a on a.id = head.id
         order by a.id desc`,
  );

export type Sent = Pick<
  Transfer,
  'number' | 'kind' | 'state' | 'name' | 'person' | 'created_at' | 'destination'
> &
  UndoneInList & { steps: number };

/** Lists the newest transfers that people sent from here, newest first. */
export const lastSent = (on: Queryable) =>
  select<Sent>(
    on,
    sql`select number, kind, state, name, person, created_at, destination,
               ${writtenCount} as steps, ${undoneCount} as undone_count, ${undoneIn} as undone_in
          from transfer t
         where kind in (${sentKinds})
         order by number desc
         limit ${SHOWN}`,
  );

/**
 * A person who saved rows within the last 15 minutes, with the number of these rows and the row that was saved last.
 */
export type Saving = {
  person: string;
  rows: number;
  last: { href: string; title: string; at: string };
};

/**
 * Lists the people who saved rows within the last 15 minutes. People who have a page open without saving are not known.
 */
export async function savingNow(on: Queryable): Promise<Saving[]> {
  const lines = await select<Pick<Written, 'person' | 'root_entity' | 'root_id' | 'title' | 'at'>>(
    on,
    sql`select person, root_entity, root_id, title, at from arrival
         where id > (select cast(max(id) as signed) from arrival) - ${LINES}
           and kind = 'save' and at > utc_timestamp(3) - interval 15 minute
         order by id desc`,
  );
  return [...Map.groupBy(lines, ({ person }) => person)].flatMap(([person, [last, ...others]]) => {
    if (!last) return [];
    const rows = new Set([last, ...others].map((line) => `${line.root_entity}:${line.root_id}`));
    const { title, at } = last;
    const href = `/catalog/${last.root_entity}/${last.root_id}`;
    return [{ person, rows: rows.size, last: { href, title, at } }];
  });
}

/** The names of up to five administrators, who grant permissions. */
export const administrators = (on: Queryable) =>
  select<{ name: string; email: string }>(
    on,
    sql`select person.name, person.email
          from person join permission on permission.person_id = person.id
         where permission.name = 'administrator' and person.active
         order by person.name
         limit 5`,
  );
