// Publishes versions of datasets from given rows, without uploading a file.
import { randomUUID } from 'node:crypto';
import { insertLines } from '../../src/database/bulk.ts';
import { run, sql, transaction } from '../../src/database/sql.ts';
import * as datasets from '../../src/datasets/datasets.ts';
import * as registry from '../../src/datasets/registry.ts';
import * as versions from '../../src/datasets/versions.ts';
import type { Column, ColumnType } from '../../src/datasets/reading/reading.ts';
import type { App } from '../../src/environments/app.ts';

type Cells = (string | number | boolean | null)[];
export type Published = { dataset: number; version: number; run: number | null };

type Wanted = {
  /** The full name, such as `statistics/cities`. */
  name: string;
  columns: Record<string, ColumnType>;
  /** Rows as values, or as the JSON text in which they are stored. */
  rows: Iterable<Cells | string>;
  isOpen?: boolean;
  mode?: 'replace' | 'append';
};

const person = 'dana@example.com';

const columnsOf = (columns: Record<string, ColumnType>): Column[] =>
  Object.entries(columns).map(([name, type]) => ({
    name,
    type,
    format: type === 'timestamp' ? 'UTC' : null,
  }));

/**
 * Publishes a version of a dataset, and adds the dataset if it is new. By default the clients of the signed API may
 * read it.
 */
export async function publish(here: App, wanted: Wanted): Promise<Published> {
  const { columns, rows, isOpen = true, mode = 'replace' } = wanted;
  const [organisation = '', name = ''] = wanted.name.split('/');
  const known = await datasets.named(here.sql, { organisation, name });
  const id =
    known?.id ??
    (await datasets.add(here, person, { organisation, name, mode, openToClients: isOpen }));
  return transaction(here.sql, async (on) => {
    const file = await registry.add(on, {
      dataset: id,
      source: null,
      file_name: `${name}.csv`,
      object: `datafiles/${randomUUID()}`,
      size: 1,
      sha256: '0'.repeat(64),
      person,
    });
    const lines = [...rows].map((row, index) => [
      file.id,
      index + 1,
      typeof row === 'string' ? row : JSON.stringify(row),
    ]);
    await insertLines(on, sql`insert into data_row (datafile, id, cells) values`, lines);
    await run(
      on,
      sql`update operations_datafile_registry set state = 'processed' where id = ${file.id}`,
    );
    const made = await versions.publish(here, on, {
      dataset: await versions.lockDataset(on, id),
      datafile: file.id,
      rows: lines.length,
      columns: columnsOf(columns),
      person,
      reason: null,
    });
    return { dataset: id, version: made.number, run: made.run };
  });
}
