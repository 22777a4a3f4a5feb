// Tests that other programs can read backups: the age and zstd commands, the mysql client, and the bson library of
// PyMongo.
import { expect, test } from 'vitest';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { folderOf, type Manifest } from '../../src/backups/manifest.ts';
import { takeBackup } from '../../src/backups/take.ts';
import { catalogTables } from '../../src/catalog/tables.ts';
import { name, select, sql } from '../../src/database/sql.ts';
import { folderObjects } from '../../src/storage/folder.ts';
import { fill } from '../support/sample.ts';
import { servers, useWorld } from '../support/world.ts';

const world = useWorld();
async function encrypted() {
  await fill(world);
  const folder = await mkdtemp(join(tmpdir(), 'oneway-backups-'));
  const identity = await generateX25519Identity();
  const key = join(folder, 'key');
  await writeFile(key, identity);
  const recipient = await identityToRecipient(identity);
  const store = folderObjects(folder);
  const manifest = await takeBackup(world.staging, { store, client: 'cosmos', recipient });
  const plain = (file: string) =>
    `age -d -i "${key}" "${join(folder, folderOf(manifest), file)}" | zstd -dc`;
  return { manifest, plain, folder: join(folder, folderOf(manifest)) };
}

function sh(script: string, input = ''): string {
  const { status, stdout, stderr } = spawnSync('bash', ['-o', 'pipefail', '-c', script], {
    encoding: 'utf8',
    input,
  });
  if (status !== 0) throw new Error(`${script}: ${stderr}`);
  return stdout;
}

const filesOf = ({ files }: Manifest, store: 'mysql' | 'mongo') =>
  files.filter((file) => file.store === store);

test('the programs age, zstd and mysql restore every table of a backup with its schema', async () => {
  const { manifest, plain, folder } = await encrypted();
  const { mysql } = servers();
  const into = `restored_${process.env['VITEST_POOL_ID']}`;
  const client = `mysql --host=${mysql.hostname} --port=${mysql.port} --user=${mysql.username} --password=${mysql.password} --protocol=tcp`;
  sh(client, `drop database if exists ${into}; create database ${into} charset utf8mb4;`);
  try {
    sh(`${client} ${into} < ${join(folder, 'schema.sql')}`);
    for (const { name: file } of filesOf(manifest, 'mysql'))
      sh(`${plain(file)} | ${client} ${into}`);
    for (const table of catalogTables().mysql) {
      const rows = (of: string) =>
        select(world.staging.sql, sql`select * from ${name(of)}.${name(table)} order by 1, 2`);
      const [own] = await select<{ db: string }>(world.staging.sql, sql`select database() as db`);
      const there = sh(`${client} --batch --raw -e "select count(*) from ${into}.${table}"`);
      expect([table, Number(there.split('\n')[1])]).toEqual([
        table,
        (await rows(own?.db ?? '')).length,
      ]);
      const sum = (of: string) =>
        sh(`${client} --batch -e "checksum table ${of}.${table}"`).split(/\s/)[3];
      expect([table, sum(into)]).toEqual([table, sum(own?.db ?? '')]);
    }
  } finally {
    sh(client, `drop database if exists ${into};`);
  }
}, 60_000);

test('the bson library of Python reads every document of a backup as it was stored', async () => {
  const { manifest, plain } = await encrypted();
  const python = resolve('var/secantus/bin/python3');
  expect(existsSync(python)).toBe(true);
  for (const { name: file, of, rows } of filesOf(manifest, 'mongo')) {
    const script =
      'import bson,sys,json; print(json.dumps([str(d["_id"]) for d in bson.decode_all(sys.stdin.buffer.read())]))';
    const ids = JSON.parse(sh(`${plain(file)} | ${python} -c '${script}'`)) as string[];
    const own = await world.staging.documents.collection(of).find().sort({ _id: 1 }).toArray();
    expect([of, ids.length, ids]).toEqual([of, rows, own.map((one) => String(one._id))]);
  }
}, 60_000);
