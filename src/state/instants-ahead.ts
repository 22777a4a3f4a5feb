// Finds rows whose `modified_at` lies in the future, because a clock was wrong or another program wrote the row. An app
// that remembers such a timestamp as the latest that it has read would miss later changes of other rows.
import { isDocument } from '../catalog/entity.ts';
import { catalog } from '../catalog/index.ts';
import {
  fromSqlInstant,
  name,
  select,
  sql,
  toSqlInstant,
  type Queryable,
} from '../database/sql.ts';
import type { Databases } from '../environments/environment.ts';
import { collection } from '../rows/mongo.ts';
import { settleAll } from '../settle-all.ts';
import { ALLOWANCE, isClockAhead, readClock, type Clock } from './clock.ts';

type AheadKind = 'row' | 'document' | 'tombstone' | 'clock';
export type InstantsAhead = {
  clock: Clock;
  numbers: Record<AheadKind, number>;
  /** Some of the rows found, each with its timestamp: `sts:12 2099-01-01T00:00:00.000Z`. */
  examples: string[];
};

const SHOWN = 3;

/**
 * Counts rows whose `modified_at` is more than the allowance (a minute) later than the time of the
 * database server.
 */
export async function instantsAhead(place: Databases): Promise<InstantsAhead> {
  const clock = await readClock(place.sql);
  const limit = new Date(Date.parse(clock.now) + ALLOWANCE);
  const [rows, documents, tombstones] = await settleAll([
    rowsAhead(place.sql, limit),
    documentsAhead(place, limit),
    tombstonesAhead(place.sql, limit),
  ]);
  return {
    clock,
    numbers: {
      row: rows.number,
      document: documents.number,
      tombstone: tombstones.number,
      clock: isClockAhead(clock) ? 1 : 0,
    },
    examples: [rows, documents, tombstones].flatMap(({ examples }) => examples).slice(0, SHOWN),
  };
}

type Found = { number: number; examples: string[] };

async function rowsAhead(on: Queryable, limit: Date): Promise<Found> {
  const found: Found = { number: 0, examples: [] };
  for (const entity of catalog.filter((one) => !isDocument(one))) {
    const lines = await select<{ id: number; instant: string; number: number }>(
      on,
      sql`select id, modified_at as instant, count(*) over () as number from ${name(entity.table)}
           where modified_at > ${toSqlInstant(limit.toISOString())}
           order by modified_at desc limit ${SHOWN}`,
    );
    found.number += lines[0]?.number ?? 0;
    found.examples.push(
      ...lines.map(({ id, instant }) => `${entity.name}:${id} ${fromSqlInstant(instant)}`),
    );
  }
  return found;
}

async function documentsAhead({ documents }: Databases, limit: Date): Promise<Found> {
  const found: Found = { number: 0, examples: [] };
  for (const entity of catalog.filter(isDocument)) {
    const ahead = { modified_at: { $gt: limit } };
    found.number += await collection(documents, entity).countDocuments(ahead);
    const some = await collection(documents, entity)
      .find(ahead)
      .sort({ modified_at: -1 })
      .limit(SHOWN)
      .toArray();
    found.examples.push(
      ...some.map((one) => `${entity.name}:${one._id} ${one.modified_at?.toISOString()}`),
    );
  }
  return found;
}

async function tombstonesAhead(on: Queryable, limit: Date): Promise<Found> {
  const lines = await select<{ entity: string; id: number; instant: string; number: number }>(
    on,
    sql`select entity, row_id as id, deleted_at as instant, count(*) over () as number from row_state
         where deleted_at > ${toSqlInstant(limit.toISOString())}
         order by deleted_at desc limit ${SHOWN}`,
  );
  return {
    number: lines[0]?.number ?? 0,
    examples: lines.map(
      ({ entity, id, instant }) => `deleted ${entity}:${id} ${fromSqlInstant(instant)}`,
    ),
  };
}
