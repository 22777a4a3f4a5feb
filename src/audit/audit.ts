// Writes and lists the audit log: who did what, and when. An audit line is written in the same commit as the action,
// and is never changed or deleted.
import type { RowKey } from '../catalog/entity.ts';
import { isUnwilling } from '../database/unwillingness.ts';
import { run, select, sql, type Queryable } from '../database/sql.ts';

export type Line = {
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

export type Filter = { person: string; action: string; before: number | null };

/** Lists audit lines newest first, 50 a page, with ids below `before`. */
export const find = (on: Queryable, { person, action, before }: Filter) =>
  select<Line>(
    on,
    sql`select * from audit
         where (${person} = '' or person = ${person})
           and (${action} = '' or action = ${action})
           and (${before} is null or id < ${before})
         order by id desc
         limit 50`,
  );

export const actions = (on: Queryable) =>
  select<{ action: string }>(on, sql`select distinct action from audit order by action`);
