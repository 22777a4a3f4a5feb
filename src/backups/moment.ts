// Checks that the MySQL rows and the documents of a backup are from one point in time. MySQL is read from a snapshot,
// but MongoDB may have no snapshots. A transfer claims its documents in MySQL (marks them as being written), writes
// them, and then commits in MySQL. So the documents match the MySQL snapshot if no document was claimed when the
// snapshot was taken, and none was written until all were read.
import type { PoolConnection } from 'mysql2/promise';
import { isDocument } from '../catalog/entity.ts';
import { catalog } from '../catalog/index.ts';
import { first, fromSqlInstant, sql, type Queryable } from '../database/sql.ts';
import type { Environment } from '../environments/environment.ts';
import type { Written } from './documents.ts';

const documentEntities = () => catalog.filter(isDocument).map((entity) => entity.name);

export type Moment = {
  /** The latest timestamp that Oneway had assigned to a row when the MySQL snapshot was taken. */
  instant: string;
  arrivals: { newest: number; later: number };
};

/**
 * Returns the point in time of a MySQL snapshot. If a transfer was writing documents when the
 * snapshot was taken, the documents cannot match the snapshot. In this case, returns a sentence
 * that names the transfer instead.
 */
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

/**
 * Checks the documents that were read after the MySQL snapshot. Returns a sentence that says why
 * they do not match the snapshot; null when they match.
 */
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
    // If another program gave a document a timestamp in the future, the timestamp does not show
    // when the document was written, so it is ignored.
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
 * How many of the latest rows of the table `arrival` (an entry for each write of a row in this environment) are counted
 * to notice new arrivals. The latest row alone does not suffice: MySQL assigns an id before the commit, so a row can
 * appear after a row with a higher id.
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
