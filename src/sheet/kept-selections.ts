// Kept selections: those that a person began or named. They are listed, and everyone who may transfer can add rows to
// them. Every other selection is the draft of an open sheet: nobody sees it in a list, and it is deleted after a week.
import { isByAndAt, type WhoAndWhen } from '../database/newest-first.ts';
import { first, run, select, sql, type Queryable } from '../database/sql.ts';
import type { Environment } from '../environments/environment.ts';
import { voidStates } from '../writing/transfer.ts';
import { isUnsent, selectionFrom, type Selection, type StoredSelection } from './selections.ts';

export type KeptSelection = Selection & { at: string; isOpen: boolean; hasTransfer: boolean };

/**
 * An SQL condition: no transfer has sent this selection, and none is sending it. A transfer that ended without writing
 * anything does not count.
 */
const isOpen = sql`not exists (select 1 from transfer
                                where transfer.selection = selection.id
                                  and transfer.state not in (${voidStates}))`;

/** Whether a transfer has sent this selection, or is sending it. */
export const isSent = async (on: Queryable, id: string): Promise<boolean> =>
  (await first(on, sql`select 1 as one from selection where id = ${id} and not ${isOpen}`)) !==
  undefined;

/**
 * Reads the newest kept selections that were not sent. The button *Add to…* adds rows to one of them.
 */
export const openSelections = (on: Queryable) =>
  select<{ id: string; name: string }>(
    on,
    sql`select id, name from selection
         where kind = 'transfer' and kept_at is not null and ${isOpen}
         order by kept_at desc
         limit 20`,
  );

/**
 * Which kept selections (those that people began or named) a list shows. `isOpen`: true for selections that were not
 * sent, false for sent ones, null for both.
 */
export type KeptFilter = WhoAndWhen & { isOpen: boolean | null };

const matching = ({ isOpen: wanted, ...filter }: KeptFilter) =>
  sql`selection.kind = 'transfer' and (kept_at is not null or not ${isOpen})
      and (${wanted === null} or ${isOpen} = ${wanted ?? false})
      and ${isByAndAt(filter, { person: sql`selection.person`, at: sql`selection.created_at` })}`;

/**
 * Counts the selections of all people that match the filter and that somebody keeps or has sent.
 */
export async function count(on: Queryable, filter: KeptFilter): Promise<number> {
  const counted = await first<{ number: number }>(
    on,
    sql`select count(*) as number from selection where ${matching(filter)}`,
  );
  return counted?.number ?? 0;
}

/**
 * Reads the selections of all people that match the filter and that somebody keeps or has sent: first those that were
 * not sent, and the newest of them first.
 */
export async function list(
  on: Queryable,
  filter: KeptFilter,
  { from, limit }: { from: number; limit: number },
): Promise<KeptSelection[]> {
  const lines = await select<StoredSelection & { isOpen: 0 | 1; isUnsent: 0 | 1 }>(
    on,
    sql`select selection.*, ${isOpen} as isOpen, ${isUnsent} as isUnsent from selection
         where ${matching(filter)}
         order by isOpen desc, created_at desc, id
         limit ${limit} offset ${from}`,
  );
  return lines.map(({ isOpen: open, isUnsent: unsent, created_at: at, ...line }) => ({
    ...selectionFrom({ ...line, created_at: at }),
    at,
    isOpen: open === 1,
    hasTransfer: unsent === 0,
  }));
}

/** Counts the kept selections (those that people began or named) that were not sent yet and have no schedule. */
export async function countUnscheduled(on: Queryable): Promise<number> {
  const counted = await first<{ number: number }>(
    on,
    sql`select count(*) as number from selection
         where kind = 'transfer' and kept_at is not null and ${isOpen}
           and not exists (select 1 from scheduled_transfer where active_key = selection.id)`,
  );
  return counted?.number ?? 0;
}

type Typed = { name: string; reason: string | null };

/** Names a draft, which makes it a kept selection. Does not change a selection that is already kept. */
export const keep = (on: Queryable, id: string, { name, reason }: Typed) =>
  run(
    on,
    sql`update selection
           set name = ${name}, reason = ${reason}, kept_at = utc_timestamp(3)
         where id = ${id} and kind = 'transfer' and kept_at is null`,
  );

/** Begins a selection without rows. A form that is posted twice has the same `id` and begins one selection. */
export const begin = (on: Queryable, id: string, person: string, { name, reason }: Typed) =>
  run(
    on,
    sql`insert into selection (id, kind, name, reason, person, row_keys, choices, chain, kept_at)
        values (${id}, 'transfer', ${name}, ${reason}, ${person}, '[]', '{}', '[]', utc_timestamp(3))
        on duplicate key update id = id`,
  );

/** Deletes drafts that were not sent within a week. */
export const purgeExpired = ({ sql: on }: Environment) =>
  run(
    on,
    sql`delete from selection
         where kept_at is null and created_at < utc_timestamp() - interval 7 day and ${isUnsent}`,
  );

/** Finds the numbers of the completed transfers that were sent from each of these selections. */
export async function sentFrom(on: Queryable, ids: string[]): Promise<Map<string, number[]>> {
  const lines = await select<{ selection: string; number: number }>(
    on,
    sql`select selection, number from transfer
         where selection in (${ids}) and state = 'verified' order by number`,
  );
  const sent = new Map<string, number[]>();
  for (const { selection, number } of lines) {
    sent.set(selection, [...(sent.get(selection) ?? []), number]);
  }
  return sent;
}
