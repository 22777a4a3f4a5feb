// Writes and lists the audit log: who did what, and when. An audit line is written in the same commit as the action,
// and is never changed or deleted.
import type { RowKey } from '../catalog/entity.ts';
import { isUnwilling } from '../database/unwillingness.ts';
import { isByAndAt, LINES, type PartOf, type WhoAndWhen } from '../database/newest-first.ts';
import { run, select, sql, type Queryable } from '../database/sql.ts';

type Line = {
  id: number;
  at: string;
  person: string;
  action: string;
  subject: string;
  detail: string | null;
  entity: string | null;
  row_id: number | null;
  transfer: string | null;
};

export type NewLine = {
  person: string;
  action: string;
  subject: string;
  detail?: string | null;
  row?: RowKey;
  transfer?: string;
};

export const write = (on: Queryable, line: NewLine) =>
  run(
    on,
    sql`insert into audit (person, action, subject, detail, entity, row_id, transfer)
        values (${line.person}, ${line.action}, ${line.subject.slice(0, 190)}, ${line.detail ?? null},
          ${line.row?.entity ?? null}, ${line.row?.id ?? null}, ${line.transfer ?? null})`,
  );

type Log = { warn(data: object, message: string): void };

/**
 * Writes an audit line. If the database cannot be written, the event goes to the log of the program
 * instead, without e-mail addresses.
 */
export async function writeOrLog(on: Queryable, log: Log, line: NewLine, personId?: number) {
  await write(on, line).catch((error: unknown) => {
    if (!isUnwilling(error)) throw error;
    log.warn({ err: error, action: line.action, personId }, 'an audit line was not written');
  });
}

/** Which audit lines a page shows. Empty texts and null match everything. */
export type Filter = WhoAndWhen & { action: string; entity: string; rowId: number | null };

/** A filter that matches every line. */
export const everything: Filter = {
  action: '',
  entity: '',
  rowId: null,
};

/**
 * An audit line with the kind of its transfer. `origin`: the environment that sent the transfer, if
 * another environment sent it; otherwise null.
 */
export type FoundLine = Line & { kind: string | null; origin: string | null };

/**
 * Lists audit lines, newest first. `before`: only lines with smaller ids, for the next page of the
 * list.
 */
export const find = (
  on: Queryable,
  { action, entity, rowId, ...whoAndWhen }: Filter,
  { before = null, limit = LINES }: PartOf,
) =>
  select<FoundLine>(
    on,
    sql`select line.*, coalesce(own.kind, arrived.kind) as kind,
               if(own.id is null, arrived.origin, null) as origin
          from audit line
          left join transfer own on own.id = line.transfer
          left join arrival arrived
            on arrived.id = (select id from arrival where transfer = line.transfer limit 1)
         where ${isByAndAt(whoAndWhen, { person: sql`line.person`, at: sql`line.at` })}
           and (${action} = '' or line.action = ${action})
           and (${entity} = '' or line.entity = ${entity})
           and (${rowId} is null or line.row_id = ${rowId})
           and (${before} is null or line.id < ${before})
         order by line.id desc
         limit ${limit}`,
  );

export const actions = (on: Queryable) =>
  select<{ action: string }>(on, sql`select distinct action from audit order by action`);
