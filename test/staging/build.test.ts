// Staging databases are made from backups, on real servers.
import { expect, test } from '@jest/globals';
import { catalogTables } from '../../src/catalog/tables.ts';
import { name, select, sql } from '../../src/database/sql.ts';
import type { Environment } from '../../src/environments/environment.ts';
import { readImage, keepImage } from '../../src/storage/images.ts';
import { withCopy } from '../../src/staging/databases.ts';
import { readVersion } from '../../src/version/metadata.ts';
import { currentVersion } from '../../src/version/db-version.ts';
import { picture } from '../support/images.ts';
import { add } from '../support/rows.ts';
import { backUp, build, client, fillProduction, jobOf, useCopies } from '../support/staging.ts';

const world = useCopies();

/** Every stored row and document of the catalogue, as the servers return them. */
async function stored({ sql: on, documents }: Pick<Environment, 'sql' | 'documents'>) {
  const { mysql, mongo } = catalogTables();
  const found: Record<string, unknown[]> = {};
  for (const table of mysql) {
    found[table] = await select(on, sql`select * from ${name(table)} order by 1, 2`);
  }
  for (const one of mongo) {
    const raw = await documents.collection(one).find({}, { raw: true }).sort({ _id: 1 }).toArray();
    found[one] = raw.map((document) => (document as unknown as Buffer).toString('base64'));
  }
  return found;
}

test('S1-89 a staging database has every row, document and image of its backup', async () => {
  await fillProduction(world);
  const icon = await keepImage(world.production.storage, 'icon', await picture());
  await add(world.production, 'business', { name: `'"\`\\ 🪔`, icon });
  const before = await stored(world.production);
  await backUp(world.production);
  await add(world.production, 'business', { name: 'After the backup' });
  const copy = await build(world.staging);
  expect([await jobOf(world.staging, copy), copy]).toMatchObject([
    { state: 'done' },
    { state: 'ready', name: `${client}-lab_trial`, version: currentVersion() },
  ]);
  await withCopy(world.staging, copy, async (environment) => {
    expect(await stored(environment)).toEqual(before);
    expect(await readVersion(environment.documents)).toMatchObject({
      databaseVersion: currentVersion(),
      isUpdating: false,
    });
  });
  expect(await readImage(world.staging.storage, icon)).not.toBeNull();
});
