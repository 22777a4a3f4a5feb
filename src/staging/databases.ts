// Creates, marks, opens and drops the databases of a copy (staging database) on their servers. The mark is an id in
// each database that says to which copy the database belongs. A database without the copy’s mark is never dropped.
import type { Db } from 'mongodb';
import type { RowDataPacket } from 'mysql2/promise';
import { failpoint } from '../database/failpoints.ts';
import { connectDatabases } from '../environments/connect.ts';
import {
  first,
  name as quoted,
  run,
  select,
  sql,
  Statement,
  type Queryable,
} from '../database/sql.ts';
import type { App } from '../environments/app.ts';
import type { Environment } from '../environments/environment.ts';
import { openEnvironment, withEnvironment, type Opened } from '../environments/opened.ts';
import { Conflict, NotFound, Problem } from '../problems.ts';
import type { Copy } from './copies.ts';
import type { CopySettings } from './settings.ts';

type Named = Pick<Copy, 'mark' | 'name' | 'documents_name'>;
type Made = Named & Pick<Copy, 'is_creating' | 'spare_name'>;

/**
 * The name of the MySQL table and of the MongoDB collection that contain the mark: the id of the copy (staging
 * database) to which the database belongs.
 */
const MARK = 'copy_mark';

/**
 * Returns the settings for copies (staging databases).
 * @throws Problem if this server makes no copies
 */
export function settingsOfCopies({ settings }: App): CopySettings {
  if (settings.copies !== null) return settings.copies;
  throw new Problem(
    404,
    'No copies are made here. Set NUMIKUBE_STAGING_TOKEN, BACKUPS_URL and COPIES_*.',
  );
}

const placeOf = (here: App, { name, documents_name: documents }: Named) => ({
  database: name,
  documents,
  at: settingsOfCopies(here).servers,
});

/**
 * Opens the databases of a copy (staging database). All requests to the copy share its connection pools.
 */
export const openCopy = (here: App, copy: Named): Promise<Opened> =>
  openEnvironment(here, placeOf(here, copy));

export const withCopy = <T>(here: App, copy: Named, work: (copy: Environment) => Promise<T>) =>
  withEnvironment(here, placeOf(here, copy), work);

/**
 * Runs `work` with a connection to the MySQL server and one to the MongoDB server of copies (staging databases). No
 * MySQL database is selected, because `work` may have to create it first.
 */
async function withServers<T>(
  here: App,
  { documents_name: documents }: Named,
  work: (servers: { sql: Queryable; documents: Db }) => Promise<T>,
): Promise<T> {
  const { sql: mysql, nosql } = settingsOfCopies(here).servers;
  const authSource = nosql.authSource ?? nosql.name;
  const { close, ...servers } = connectDatabases(
    { sql: { ...mysql, name: '' }, nosql: { ...nosql, name: documents, authSource } },
    { readers: 1, writers: 1, isTraced: false },
  );
  try {
    return await work(servers);
  } finally {
    await close();
  }
}

/**
 * What a database server has under the name of a copy (staging database). `absent`: no database. `mine`: a database
 * with the mark of this copy. `empty`: a MySQL database without a mark and without other tables. `foreign`: any other
 * database, which must not be dropped.
 */
type Presence = 'absent' | 'mine' | 'empty' | 'foreign';

async function inMysql(
  on: Queryable,
  { mark: own, name }: Pick<Named, 'mark' | 'name'>,
): Promise<Presence> {
  const schema = await first(
    on,
    sql`select 1 from information_schema.schemata where schema_name = ${name}`,
  );
  if (!schema) return 'absent';
  const tables = await first<{ all: number; marks: number }>(
    on,
    sql`select count(*) as \`all\`, coalesce(sum(table_name = ${MARK}), 0) as marks
          from information_schema.tables where table_schema = ${name}`,
  );
  if (Number(tables?.all) === 0) return 'empty';
  if (Number(tables?.marks) === 0) return 'foreign';
  const mark = await first<RowDataPacket & { id: string }>(
    on,
    sql`select id from ${quoted(name)}.${quoted(MARK)} limit 1`,
  );
  if (!mark) return Number(tables?.all) === 1 ? 'empty' : 'foreign';
  return mark.id === own ? 'mine' : 'foreign';
}

async function inMongo(documents: Db, { mark: own }: Pick<Named, 'mark'>): Promise<Presence> {
  const collections = await documents.listCollections({}, { nameOnly: true }).toArray();
  if (collections.length === 0) return 'absent';
  const mark = await documents.collection<{ _id: string }>(MARK).findOne({});
  return mark?._id === own ? 'mine' : 'foreign';
}

/**
 * Creates and marks the MySQL and the MongoDB database of a copy (staging database). Calls `begin` once it is certain
 * that neither database exists. `begin` records that the creation has begun, so that a later attempt knows that
 * unmarked databases of this name belong to the copy.
 * @throws Conflict if a database of this name exists already
 */
export const createDatabases = (here: App, copy: Named, begin: () => Promise<unknown>) =>
  withServers(here, copy, async ({ sql: on, documents }) => {
    const [mysql, mongo] = [await inMysql(on, copy), await inMongo(documents, copy)];
    if (mysql !== 'absent' || mongo !== 'absent') throw taken(copy.name);
    await begin();
    await createMysql(on, copy);
    await documents.collection<{ _id: string }>(MARK).insertOne({ _id: copy.mark });
  });

async function createMysql(on: Queryable, { name, mark }: Pick<Named, 'name' | 'mark'>) {
  const database = quoted(name).text;
  await run(
    on,
    new Statement(`CREATE DATABASE ${database} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`, []),
  ).catch((error: unknown) => {
    throw (error as { code?: string }).code === 'ER_DB_CREATE_EXISTS' ? taken(name) : error;
  });
  await run(
    on,
    new Statement(`CREATE TABLE ${database}.${MARK} (id CHAR(36) NOT NULL PRIMARY KEY)`, []),
  );
  await run(on, sql`insert into ${quoted(name)}.${quoted(MARK)} (id) values (${mark})`);
}

const taken = (name: string) =>
  new Conflict(
    `There is a database ${name} already, which was not made here. Choose another suffix.`,
    'name_taken',
  );

/**
 * Drops the databases of a copy (staging database) that exist: first the MongoDB database, then the MySQL database.
 * @throws Conflict if one of the databases lacks the mark (stored id) of this copy
 */
export const dropDatabases = (here: App, copy: Made) =>
  withServers(here, copy, async ({ sql: on, documents }) => {
    const { mark, spare_name: spare } = copy;
    const names = [copy.name, ...(spare === null ? [] : [spare])];
    const mongo = await inMongo(documents, copy);
    const own: string[] = [];
    for (const name of names) {
      const presence = await inMysql(on, { mark, name });
      const isOwnEmpty = presence === 'empty' && copy.is_creating === 1;
      if (presence !== 'absent' && presence !== 'mine' && !isOwnEmpty) throw unmarked(name);
      if (presence !== 'absent') own.push(name);
    }
    if (mongo === 'foreign') throw unmarked(copy.documents_name);
    if (mongo === 'mine') await documents.dropDatabase();
    await failpoint('copy documents dropped');
    for (const name of own) await dropMysql(on, name);
  });

const dropMysql = (on: Queryable, name: string) =>
  run(on, new Statement(`DROP DATABASE IF EXISTS ${quoted(name).text}`, []));

const unmarked = (name: string) =>
  new Conflict(
    `A database ${name} does not carry the mark of this copy, so it is not dropped. Ask whoever made it.`,
  );

/**
 * Turns a spare (the tested copy that a restore test of a backup has left) into an ordered copy by renaming its MySQL
 * tables, which is fast even for large tables. The MongoDB database keeps its name. If the process is killed, the call
 * can be repeated.
 * @throws NotFound if the databases of the spare are gone
 */
export const renameSpare = (here: App, copy: Made & { spare_name: string }) =>
  withServers(here, copy, async ({ sql: on, documents }) => {
    const from = copy.spare_name;
    const before = await inMysql(on, { mark: copy.mark, name: from });
    const after = await inMysql(on, copy);
    if ((await inMongo(documents, copy)) !== 'mine' || (before !== 'mine' && after !== 'mine')) {
      throw new NotFound(`The databases of the tested copy ${from} are not there any more.`);
    }
    if (after === 'foreign' || (after === 'empty' && copy.is_creating === 0))
      throw taken(copy.name);
    if (after === 'absent') await createMysql(on, copy);
    if (before !== 'mine') return;
    await moveTables(on, from, copy.name);
    await dropMysql(on, from);
  });

async function moveTables(on: Queryable, from: string, to: string) {
  const tables = await select<{ name: string; type: string }>(
    on,
    sql`select table_name as name, table_type as type from information_schema.tables
         where table_schema = ${from} and table_name <> ${MARK}`,
  );
  const views = tables.filter(({ type }) => type === 'VIEW').map(({ name }) => name);
  const moved = tables.filter(({ type }) => type !== 'VIEW').map(({ name }) => name);
  const definitions = await select<{ name: string; definition: string }>(
    on,
    sql`select table_name as name, view_definition as definition from information_schema.views
         where table_schema = ${from} and table_name in (${views})`,
  );
  if (moved.length > 0) {
    const pairs = moved.map((table) => `${inside(from, table)} TO ${inside(to, table)}`);
    await run(on, new Statement(`RENAME TABLE ${pairs.join(', ')}`, []));
  }
  // MySQL cannot move a view into another database, so each view is created again in the new database.
  for (const { name, definition } of definitions) {
    const query = definition.replaceAll(`${quoted(from).text}.`, `${quoted(to).text}.`);
    await run(on, new Statement(`CREATE OR REPLACE VIEW ${inside(to, name)} AS ${query}`, []));
  }
}

const inside = (database: string, table: string) =>
  `${quoted(database).text}.${quoted(table).text}`;
