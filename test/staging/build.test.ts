// Tests that staging databases are built from backups, on real database servers.
import { expect, test } from 'vitest';
import { readImage, keepImage } from '../../src/storage/images.ts';
import { withCopy } from '../../src/staging/databases.ts';
import { readVersion } from '../../src/version/metadata.ts';
import { currentVersion } from '../../src/version/db-version.ts';
import { picture } from '../support/images.ts';
import { add } from '../support/rows.ts';
import { stored } from '../support/stored.ts';
import { backUp, build, client, fillProduction, jobOf, useCopies } from '../support/staging.ts';

const world = useCopies();

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
