// Runs what people would use instead of Oneway’s backups and staging databases: mariadb-dump, mariadb and zstd for
// tables, and the bare MongoDB driver for documents.
import { readFile } from 'node:fs/promises';
import type { Db, Document } from 'mongodb';
import { available } from '../../src/database/migrate.ts';
import { createIndexes } from '../../src/rows/indexes.ts';
import type { Server } from './ground.ts';
import { login, shell } from './peers.ts';

/** Writes tables into a file with `mariadb-dump | zstd`, and flushes the file to disk, as a backup of Oneway does. */
export const dumpTables = (server: Server, database: string, tables: string[], file: string) =>
  shell(
    `mariadb-dump --no-defaults ${login(server)} --single-transaction --no-create-info --skip-tz-utc ` +
      `--hex-blob --default-character-set=utf8mb4 ${database} ${tables.join(' ')} | ` +
      `zstd -q -f -o ${file} && sync ${file}`,
    server,
  );

/** Loads dump files into a database with `zstd -dc | mariadb`. */
export async function loadTables(server: Server, database: string, files: string[]) {
  for (const file of files) {
    await shell(
      `zstd -dc ${file} | mariadb --no-defaults ${login(server)} --default-character-set=utf8mb4 ${database}`,
      server,
    );
  }
}

/** Creates a database from the file schema.sql, which a backup contains for people who restore it by hand. */
export async function makeTables(server: Server, database: string, schemaFile: string) {
  await server.ask.query('DROP DATABASE IF EXISTS ??', [database]);
  await server.ask.query('CREATE DATABASE ?? COLLATE utf8mb4_bin', [database]);
  const client = `mariadb --no-defaults ${login(server)} --default-character-set=utf8mb4`;
  await shell(`${client} ${database} < ${schemaFile}`, server);
}

/**
 * Creates an empty database by running only the statements in the SQL files of all migrations, as `mariadb < file`
 * would.
 */
export async function migrateBare({ ask }: Server, database: string) {
  const files = (await available()).filter((name) => name.endsWith('.sql'));
  const texts = await Promise.all(files.map((name) => readFile(`migrations/${name}`, 'utf8')));
  await ask.query('CREATE DATABASE ?? COLLATE utf8mb4_bin', [database]);
  await ask.query('USE ??', [database]);
  for (const statement of texts.flatMap((text) => text.split(/;\s*$/m))) {
    if (statement.replaceAll(/^--.*$/gm, '').trim() !== '') await ask.query(statement);
  }
}

/**
 * Reads a whole collection in order of the ids. Returns the number of bytes if `raw` is true, otherwise the number of
 * documents.
 */
export async function readAll(documents: Db, name: string, raw: boolean): Promise<number> {
  let read = 0;
  const cursor = documents.collection(name).find({}, { raw, batchSize: 1000 }).sort({ _id: 1 });
  for await (const one of cursor) read += raw ? (one as unknown as Buffer).length : 1;
  return read;
}

/** Inserts documents with insertMany, and then creates the indexes. */
export async function insertAll(documents: Db, all: Map<string, Document[]>) {
  for (const [name, some] of all) {
    for (let from = 0; from < some.length; from += 1000) {
      await documents.collection(name).insertMany(some.slice(from, from + 1000));
    }
  }
  await createIndexes(documents);
}

/** Moves every table of a database into another database with RENAME TABLE, and back. */
export async function renameAll({ ask }: Server, from: string) {
  const [lines] = await ask.query(
    `SELECT table_name AS name FROM information_schema.tables
      WHERE table_schema = ? AND table_type = 'BASE TABLE'`,
    [from],
  );
  const names = (lines as { name: string }[]).map(({ name }) => name);
  const to = 'bench_renamed';
  await ask.query('CREATE DATABASE ??', [to]);
  const move = (one: string, other: string) =>
    names.map((name) => `\`${one}\`.\`${name}\` TO \`${other}\`.\`${name}\``).join(', ');
  await ask.query(`RENAME TABLE ${move(from, to)}`);
  await ask.query(`RENAME TABLE ${move(to, from)}`);
  await ask.query('DROP DATABASE ??', [to]);
}
