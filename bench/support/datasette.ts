// Runs Datasette, which serves an SQLite table as JSON, to compare its pages of rows with those of Oneway’s signed API.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../bin/programs.ts';
import { pythonWith } from '../../test/support/python.ts';
import { listening } from './site.ts';

const filling = `
import json, sqlite3, sys
columns, rows = json.load(open(sys.argv[2]))
db = sqlite3.connect(sys.argv[1])
db.execute('create table dataset (%s)' % ', '.join('"%s"' % column for column in columns))
db.executemany('insert into dataset values (%s)' % ', '.join('?' for _ in columns), rows)
db.commit()
`;

/** Serves rows with Datasette, in pages of 1,000 rows. */
export async function datasette(folder: string, columns: string[], rows: unknown[][]) {
  const python = pythonWith('datasette', ['datasette==0.65.1']);
  const [json, database] = [join(folder, 'rows.json'), join(folder, 'data.db')];
  writeFileSync(json, JSON.stringify([columns, rows]));
  const filled = spawnSync(python, ['-c', filling, database, json], { encoding: 'utf8' });
  if (filled.status !== 0) throw new Error(filled.stderr);
  const port = await freePort();
  const words = ['-m', 'datasette', 'serve', database, '--port', String(port)];
  const settings = ['--setting', 'max_returned_rows', '1000', '--setting', 'num_sql_threads', '1'];
  return listening(python, [...words, ...settings], { env: process.env }, port, '/-/versions.json');
}

/** Returns the path of the page that begins after the row with the number `behind`. */
export const datasettePage = (behind: number) =>
  `/data/dataset.json?_shape=arrays&_size=1000&_next=${behind}&_nocount=1`;
