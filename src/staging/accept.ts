// Accepts orders of staging databases: names the new database (a copy of a client’s backup), counts it against the
// limit of databases, and requests the job that builds it, in one commit. If the same order arrives again, it gets the
// same answer.
import type { PoolConnection } from 'mysql2/promise';
import * as audit from '../audit/audit.ts';
import { withBackups } from '../backups/job.ts';
import { readManifest, timesOf, totalOf, type Manifest } from '../backups/manifest.ts';
import { run, sql, toSqlInstant, transaction, type Queryable } from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import * as jobs from '../jobs/jobs.ts';
import { migrationsUnknown } from '../release/restore.ts';
import { currentVersion } from '../version/db-version.ts';
import { BridgeProblem } from './bridge-problem.ts';
import * as copies from './copies.ts';
import { settingsOfCopies } from './databases.ts';
import { nameOf, type Level } from './names.ts';

/** The kind of the job that builds an ordered staging database. */
export const BUILD = 'copy-build';

export type OrderRequest = {
  /** The id of the order, which is also the id of the ordered staging database. */
  order: string;
  client: string;
  level: Level;
  timestamp: boolean;
  suffix: string;
  replace: boolean;
  person: string;
  callback: { url: string; key: string } | null;
};

/**
 * The answer to an order of a staging database. `job` is null if the order was accepted so long ago that its job has
 * been deleted.
 */
export type Accepted = { name: string; job: jobs.Job | null; isNew: boolean };

/**
 * Accepts an order of a staging database. If the order was accepted before, returns the same answer again.
 * @throws BridgeProblem if the client has no backup, the limit of databases is reached, or the name is taken
 */
export async function accept(here: App, wanted: OrderRequest): Promise<Accepted> {
  const known = await copies.byId(here.sql, wanted.order);
  if (known) return repeated(here.sql, known);
  const { timeZone, limit } = settingsOfCopies(here);
  const { client, level, suffix } = wanted;
  const at = wanted.timestamp ? new Date() : null;
  const name = nameOf({ client, level, at, suffix }, timeZone);
  const manifest = await newestBackup(here, client);
  return transaction(here.sql, async (on) => {
    await lockPlaces(on);
    const again = await copies.byId(on, wanted.order);
    if (again) return repeated(on, again);
    await takePlace(on, { ...wanted, name, limit });
    const spare = await takeSpare(on, manifest);
    const { job } = await jobs.request(on, {
      kind: BUILD,
      name: `Build ${name}`,
      person: wanted.person,
      input: { copy: wanted.order },
    });
    await copies.add(on, {
      ...wanted,
      ...factsOf(manifest),
      id: wanted.order,
      name,
      job: job.id,
      isSpare: false,
      spare,
    });
    await audit.write(on, { person: wanted.person, action: 'ordered a copy', subject: name });
    return { name, job, isNew: true };
  });
}

/** Returns the answer that an order of a staging database got when it was accepted. */
const repeated = async (on: Queryable, { name, job }: copies.Copy): Promise<Accepted> => ({
  name,
  job: (job === null ? undefined : await jobs.byId(on, job)) ?? null,
  isNew: false,
});

/**
 * Takes the client’s spare (a tested staging database that nobody has ordered) for an order, if the spare was made from
 * this backup; otherwise returns null. Marks the spare as dropped, so that no other order can take it.
 */
async function takeSpare(on: PoolConnection, manifest: Manifest) {
  const spare = await copies.spareOf(on, manifest.client);
  if (spare?.state !== 'ready' || !isMadeOf(spare, manifest)) return null;
  const what = sql`state = 'dropped', ended_at = utc_timestamp(3), ended_by = 'an order'`;
  return (await copies.change(on, spare, ['ready'], what)) ? spare : null;
}

/** Whether a staging database was made from exactly this backup and has the database version of this program. */
export const isMadeOf = ({ backup, version }: copies.Copy, { time }: Manifest): boolean =>
  backup === time && version === currentVersion();

/** Returns the properties of a backup (such as its time) that are recorded with a staging database made from it. */
export const factsOf = (manifest: Manifest) => ({
  backup: manifest.time,
  data_at: toSqlInstant(manifest.instant),
  version: manifest.version,
  bytes: totalOf(manifest, 'plainBytes'),
  rows: totalOf(manifest, 'rows'),
});

/**
 * Reads the manifest (table of contents) of a client’s newest backup.
 * @throws BridgeProblem if the client has no backup, or if a newer program made the newest backup
 */
const newestBackup = (here: App, client: string): Promise<Manifest> =>
  withBackups(here, async (store) => {
    const [time] = await timesOf(store, client);
    if (time === undefined) {
      throw new BridgeProblem(
        409,
        'no_backup',
        `There is no backup of ${client} in the backup store of ${here.rules.inText}. Take one in its production: Backups, Back up now.`,
      );
    }
    const manifest = await readManifest(store, { client, time });
    if ((await migrationsUnknown(manifest)).length === 0) return manifest;
    throw new BridgeProblem(
      409,
      'version_newer',
      `The newest backup of ${client} is of version ${manifest.version}, which ${here.rules.inText} does not know yet. Update ${here.rules.inText} first.`,
    );
  });

/**
 * Lets only one order of a staging database be accepted at a time, until the commit. Otherwise two simultaneous orders
 * could take the same name or exceed the limit of databases.
 */
const lockPlaces = (on: PoolConnection) =>
  run(on, sql`insert into copy_lock (name) values ('places') on duplicate key update name = name`);

type Wanted = OrderRequest & { name: string; limit: number };

async function takePlace(on: PoolConnection, { order, name, replace, limit, ...wanted }: Wanted) {
  const former = await copies.named(on, name);
  if (former) {
    await giveUpName(on, former, { order, replace, ...wanted });
    return;
  }
  const count = await copies.countSlots(on);
  if (count >= limit) {
    throw new BridgeProblem(
      409,
      'limit_reached',
      `There are ${count} of ${limit} databases. Drop one that is not needed any more, then run the job again.`,
    );
  }
}

async function giveUpName(
  on: PoolConnection,
  former: copies.Copy,
  { order, replace, client, level }: Pick<Wanted, 'order' | 'replace' | 'client' | 'level'>,
) {
  const { name } = former;
  if (former.is_spare === 1) throw ofRestoreTest(name);
  const refuse = (why: string) => new BridgeProblem(409, 'name_taken', why);
  if (!replace) {
    throw refuse(
      `There is a database ${name} already. Choose another suffix, or tick “Replace the database of this name”.`,
    );
  }
  if (former.client !== client || former.level !== level) {
    throw refuse(`The database ${name} is another client’s. Choose another suffix.`);
  }
  if (former.state !== 'ready') {
    throw refuse(`The database ${name} is being worked on. Try again when that is over.`);
  }
  if (copies.isProtected(former)) {
    throw refuse(`The database ${name} is protected. End its protection first.`);
  }
  await copies.change(on, former, ['ready'], sql`replaced_by = ${order}`);
}

const ofRestoreTest = (name: string) =>
  new BridgeProblem(
    409,
    'name_taken',
    `The name ${name} belongs to the nightly restore test. Choose another suffix.`,
  );
