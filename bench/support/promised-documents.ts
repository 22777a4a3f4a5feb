// Copies documents with the least work that the promises of a refresh need, with bare commands and without any check in
// the program: for each document a claim, a step in the journal and a line of history in MySQL, a look whether it exists,
// an insert with a stamp, and a look at what was stored. Parents are looked up as well.
import type { Db } from 'mongodb';
import type { Connection } from 'mysql2/promise';
import type { Document } from './rows.ts';

const AT_ONCE = 1000;
const tables = ['claim', 'transfer_step', 'arrival'];

type Places = { source: Db; to: Db; ask: Connection; database: string };

/** Makes empty copies of the tables of claims, journal and history, in a database of their own. */
export async function promisedTables(ask: Connection, from: string): Promise<string> {
  const database = `${from}_promised`;
  await ask.query('DROP DATABASE IF EXISTS ??', [database]);
  await ask.query('CREATE DATABASE ??', [database]);
  for (const table of tables)
    await ask.query('CREATE TABLE ??.?? LIKE ??.??', [database, table, from, table]);
  return database;
}

export async function promisedDocuments(places: Places, name: string, parent: string | null) {
  const found = places.source.collection<Document>(name).find({}, { batchSize: AT_ONCE });
  let some: Document[] = [];
  for await (const one of found.sort({ _id: 1 })) {
    some.push(one);
    if (some.length < AT_ONCE) continue;
    await promised(places, name, parent, some);
    some = [];
  }
  if (some.length > 0) await promised(places, name, parent, some);
}

async function promised(
  { to, ask, database }: Places,
  name: string,
  parent: string | null,
  documents: Document[],
) {
  const transfer = `bench-${name}-${documents[0]?._id}`;
  const into = to.collection<Document>(name);
  const ids = documents.map(({ _id: id }) => id);
  const insert = (table: string, columns: string[], lines: unknown[][]) =>
    ask.query('INSERT INTO ??.?? (??) VALUES ?', [database, table, columns, lines]);
  await insert(
    'transfer_step',
    ['transfer', 'seq', 'entity', 'row_id', 'title', 'action'],
    ids.map((id) => [transfer, id, name, id, `${name} ${id}`, 'create']),
  );
  await insert(
    'claim',
    [
      'entity',
      'row_id',
      'transfer',
      'mode',
      'number',
      'origin',
      'fence',
      'connection',
      'person',
      'since',
    ],
    ids.map((id) => [name, id, transfer, 'write', 1, 'preprod', 1, 1, 'refresh', AT]),
  );
  await into.find({ _id: { $in: ids } }).toArray();
  if (parent) await existing(to, parent, [...new Set(documents.map((one) => Number(one[parent])))]);
  await ask.query('START TRANSACTION');
  await insert(
    'arrival',
    [
      'transfer',
      'seq',
      'entity',
      'row_id',
      'root_entity',
      'root_id',
      'title',
      'action',
      'kind',
      'name',
      'person',
      'origin',
      'at',
      'chain',
      'version',
    ],
    ids.map((id) => [
      transfer,
      id,
      name,
      id,
      name,
      id,
      `${name} ${id}`,
      'create',
      'refresh',
      'Refresh',
      'refresh',
      'preprod',
      AT,
      '[]',
      1,
    ]),
  );
  const instant = ({ _id: id }: Document) => new Date(BEGUN + id);
  const stamp = { transfer, fence: 1 };
  await into.insertMany(documents.map((one) => ({ ...one, modified_at: instant(one), stamp })));
  // What was stored is read by timestamps, because SecantusDB reads a range of an index faster than single ids.
  const [first, last] = [Math.min(...ids), Math.max(...ids)];
  const within = { $gte: new Date(BEGUN + first), $lte: new Date(BEGUN + last) };
  const stored = await into.find({ modified_at: within }).toArray();
  if (stored.length < documents.length) throw new Error(`${stored.length} documents were stored`);
  await ask.query('COMMIT');
  await ask.query('DELETE FROM ??.claim WHERE transfer = ?', [database, transfer]);
}

const AT = '2026-01-01 00:00:00.000';
const BEGUN = Date.parse('2026-01-01T00:00:00Z');

/** SecantusDB searches the whole list of ids for each document that it finds, so short lists are faster. */
const LIST = 50;

async function existing(to: Db, name: string, ids: number[]) {
  for (let from = 0; from < ids.length; from += LIST) {
    const some = ids.slice(from, from + LIST);
    await to
      .collection<Document>(name)
      .find({ _id: { $in: some } })
      .toArray();
  }
}
