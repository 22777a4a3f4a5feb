// What other systems are told. A line is written in the same commit as what it tells of, so there is one exactly
// when that happened; it is sent until it is taken.
import { v7 as uuid } from 'uuid';
import * as audit from '../audit/audit.ts';
import { first, run, select, sql, transaction, type Queryable } from '../database/sql.ts';
import type { Environment } from '../environments/environment.ts';

export type Line = {
  id: number;
  event: string;
  subject: string;
  transfer: string | null;
  body: string;
  state: 'waiting' | 'sent' | 'failed';
  attempts: number;
  next_at: string;
  /** What was answered the last time. */
  answer: string | null;
  created_at: string;
  sent_at: string | null;
};

type RowKey = { entity: string; id: number };
export type News = {
  environment: string;
  transfer: string;
  number: number;
  kind: string;
  name: string;
  written: RowKey[];
  removed: RowKey[];
};

const idsByEntity = (keys: RowKey[]) =>
  Object.fromEntries(
    [...Map.groupBy(keys, ({ entity }) => entity)].map(([entity, own]) => [
      entity,
      own.map(({ id }) => id).toSorted((one, other) => one - other),
    ]),
  );

/** Which rows of which environment were written, and which are gone: what an index must read anew. */
export async function write(on: Queryable, { written, removed, ...news }: News) {
  if (written.length + removed.length === 0) return;
  const event = uuid();
  const body = JSON.stringify({
    ...{ event, type: 'rows.changed', at: new Date().toISOString() },
    ...{ environment: news.environment, kind: news.kind },
    transfer: { id: news.transfer, number: news.number, name: news.name },
    ...{ changed: idsByEntity(written), removed: idsByEntity(removed) },
  });
  await run(
    on,
    sql`insert into outbox (event, subject, transfer, body, next_at, created_at)
        values (${event}, ${news.name.slice(0, 200)}, ${news.transfer}, ${body}, utc_timestamp(3), utc_timestamp(3))`,
  );
}

export type Filter = { state: string; before: number | null };

export const list = (on: Queryable, { state, before }: Filter) =>
  select<Line>(
    on,
    sql`select * from outbox
         where (${state} = '' or state = ${state}) and (${before} is null or id < ${before})
         order by id desc limit 50`,
  );

/** Those whose time has come, the oldest first. */
export const due = (on: Queryable) =>
  select<Line>(
    on,
    sql`select * from outbox where state = 'waiting' and next_at <= utc_timestamp(3)
         order by id limit 50`,
  );

/** Takes a line for the next `seconds`; one of many who try at once gets it. */
export async function take(on: Queryable, { id, attempts }: Line, seconds: number) {
  const found = await run(
    on,
    sql`update outbox set attempts = attempts + 1, next_at = utc_timestamp(3) + interval ${seconds} second
         where id = ${id} and attempts = ${attempts} and state = 'waiting'`,
  );
  return found === 1;
}

export const sent = (on: Queryable, { id }: Line, answer: string) =>
  run(
    on,
    sql`update outbox set state = 'sent', sent_at = utc_timestamp(3), answer = ${answer.slice(0, 500)}
         where id = ${id}`,
  );

export const refused = (
  on: Queryable,
  { id }: Line,
  { answer, again }: { answer: string; again: number | null },
) =>
  run(
    on,
    sql`update outbox
           set answer = ${answer.slice(0, 500)}, state = ${again === null ? 'failed' : 'waiting'},
               next_at = utc_timestamp(3) + interval ${again ?? 0} second
         where id = ${id} and state = 'waiting'`,
  );

/** Forgets what was taken long ago. */
export const tidy = ({ sql: on }: Environment) =>
  run(
    on,
    sql`delete from outbox where state = 'sent' and sent_at < utc_timestamp(3) - interval 30 day`,
  );

/** Sends a line once more; answers whether there is one. */
export async function again(here: Environment, id: number, person: string): Promise<boolean> {
  return transaction(here.sql, async (on) => {
    const line = await first<Line>(on, sql`select * from outbox where id = ${id}`);
    if (!line) return false;
    await run(
      on,
      sql`update outbox set state = 'waiting', attempts = 0, next_at = utc_timestamp(3) where id = ${id}`,
    );
    await audit.write(on, { person, action: 'sent again to the indexer', subject: line.subject });
    return true;
  });
}
