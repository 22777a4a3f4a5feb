// Reads both databases as they were at one point in time. MySQL has snapshots for that; MongoDB may have none. But a
// transfer writes its documents before its MySQL transaction commits, and claims them (marks them as being written)
// in MySQL before that. So documents match a MySQL snapshot if none was claimed when it was taken, and none was
// written until they were read.
import type { PoolConnection } from 'mysql2/promise';
import { isDocument } from '../catalog/entity.ts';
import { catalog } from '../catalog/index.ts';
import { first, fromSqlInstant, sql, type Queryable } from '../database/sql.ts';
import type { Environment } from '../environments/environment.ts';
import type { Written } from './documents.ts';

const documentEntities = () => catalog.filter(isDocument).map((entity) => entity.name);

export type Moment = {
  /** The last timestamp that the clock of the environment had given to a row when the snapshot was taken. */
  instant: string;
  arrivals: { newest: number; later: number };
};

/** The point in time of a MySQL snapshot, or the reason why documents cannot be read as of then. */
export async function momentOf(on: PoolConnection): Promise<Moment | string> {
  const claimed = await claimOnDocument(on);
  if (claimed) return claimed;
  const clock = await first<{ instant: string }>(
    on,
    sql`select instant from clock where name = 'clock'`,
  );
  if (!clock) throw new Error('The clock line is missing: run the migrations');
  const newest = await first<{ id: number | null }>(on, sql`select max(id) as id from arrival`);
  const moment = { instant: fromSqlInstant(clock.instant), newest: newest?.id ?? 0 };
  return {
    instant: moment.instant,
    arrivals: { newest: moment.newest, later: await arrivalsLater(on, moment) },
  };
}

/** Why documents that were read after the snapshot do not match it, as a sentence; null when they do. */
export async function disturbance(
  here: Environment,
  snapshot: PoolConnection,
  { instant, arrivals }: Moment,
  later: Written[],
): Promise<string | null> {
  const claimed = await claimOnDocument(here.sql);
  if (claimed) return claimed;
  const now = await arrivalsLater(here.sql, { instant, newest: arrivals.newest });
  if (now !== arrivals.later) return 'documents were written meanwhile';
  for (const { at, transfer } of later) {
    // A document that another program dated in the future is ignored: its date does not say when it was written.
    if (transfer === null && at > Date.now()) continue;
    if (transfer === null || !(await hasArrived(snapshot, transfer))) {
      return 'a document was being written meanwhile';
    }
  }
  return null;
}

async function claimOnDocument(on: Queryable): Promise<string | null> {
  const claim = await first<{ number: number; origin: string }>(
    on,
    sql`select number, origin from claim
         where mode = 'write' and entity in (${documentEntities()}) limit 1`,
  );
  return claim ? `transfer ${claim.number} from ${claim.origin} writes documents` : null;
}

/**
 * How many of the highest ids are read again. Ids are assigned before the commit, so a row with a lower id may appear
 * later.
 */
const REACH = 10_000;

async function arrivalsLater(
  on: Queryable,
  { instant, newest }: { instant: string; newest: number },
): Promise<number> {
  const line = await first<{ count: number }>(
    on,
    sql`select count(*) as count from arrival
         where id > ${newest - REACH} and entity in (${documentEntities()})
           and at > ${instant.replace('T', ' ').replace('Z', '')}`,
  );
  return line?.count ?? 0;
}

const hasArrived = async (on: Queryable, transfer: string) =>
  (await first(on, sql`select 1 from arrival where transfer = ${transfer} limit 1`)) !== undefined;
