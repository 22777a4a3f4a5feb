// F13: if rows pass unique names on to each other, a refresh writes these rows together, even if it reads them in
// different parts.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RowKey } from '../../src/catalog/entity.ts';
import { entityNamed } from '../../src/catalog/index.ts';
import type { App } from '../../src/environments/app.ts';
import { run, sql } from '../../src/database/sql.ts';
import { inGroups } from '../../src/refresh/handovers.ts';
import { parts } from '../../src/refresh/prepare-part.ts';
import { runRefresh } from '../../src/refresh/refresh.ts';
import { row } from '../support/facts.ts';
import { rawForms, rename } from '../support/handovers.ts';
import { add, change, get } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const rowsPerPart = parts.size;
beforeAll(() => {
  parts.size = 1;
});
afterAll(() => {
  parts.size = rowsPerPart;
});

function refresh(here: App, dryRun = false) {
  const { source } = here;
  if (!source) throw new Error('no source');
  return runRefresh({ here, there: source, source, lease: 2000, dryRun });
}

const nextId = (here: App, entity: string, id: number) =>
  run(here.sql, sql`update id_sequence set next = ${id} where entity = ${entity}`);

/**
 * Adds rows to production and copies them to pre-production. Their ids are so far apart that a refresh reads the rows
 * in different parts.
 */
async function far(entity: 'business' | 'form', names: string[]): Promise<RowKey[]> {
  const { production } = world;
  const keys: RowKey[] = [];
  for (const name of names) {
    const id = await add(production, entity, { name });
    keys.push({ entity, id });
    // A refresh reads rows with close ids in one part, so the next id is set far away.
    await nextId(production, entity, id + 50_000);
  }
  await refresh(world.preprod);
  return keys;
}

const namesIn = (here: App, keys: RowKey[]) =>
  Promise.all(keys.map(async (key) => (await get(here, key))['name']));

test.each(['business', 'form'] as const)(
  'if three %s rows swap their unique names in a circle, a refresh writes them together, even if it reads them separately (F13)',
  async (entity) => {
    const keys = await far(entity, ['A', 'B', 'C']);
    await rename(world.production, keys, ['B', 'C', 'A']);
    const planned = await refresh(world.preprod, true);
    const report = await refresh(world.preprod);
    expect([report.updated, report.skippedRows]).toEqual([3, []]);
    expect([planned.updated, planned.skippedRows]).toEqual([3, []]);
    expect(await namesIn(world.preprod, keys)).toEqual(['B', 'C', 'A']);
    expect((await rawForms(world.preprod)).some(({ temporary }) => temporary)).toBe(false);
    expect(await refresh(world.preprod)).toMatchObject({ updated: 0, skippedRows: [] });
  },
);

test.each(['business', 'form'] as const)(
  'a refresh from production swaps the names of two %s rows even if these names differ only in case (F13)',
  async (entity) => {
    const { preprod, production } = world;
    const keys = await far(entity, ['A', 'B']);
    await rename(production, keys, ['Corner Café', 'corner café']);
    await refresh(preprod);
    await rename(production, keys, ['corner café', 'Corner Café']);
    const report = await refresh(preprod);
    expect([report.updated, report.skippedRows]).toEqual([2, []]);
    expect(await namesIn(preprod, keys)).toEqual(['corner café', 'Corner Café']);
  },
);

test('a refresh from production skips a row if its new name still belongs to a row with pending changes, and reports this reason (F13)', async () => {
  const { preprod, production } = world;
  const keys = await far('business', ['A', 'B', 'C']);
  await rename(production, keys, ['B', 'C', 'D']);
  await change(preprod, keys[1]!, { description: 'Work under way' });
  const report = await refresh(preprod);
  expect(report.skippedRows).toMatchObject([
    { key: keys[0], why: `its name is that of business ${keys[1]!.id} here` },
    { key: keys[1] },
  ]);
  expect(await namesIn(preprod, keys)).toEqual(['A', 'B', 'D']);
});

test('a refresh from production writes rows that swap unique names in one group, and other rows on their own (F13)', () => {
  const entity = entityNamed('form');
  const moved = (id: number, from: string, to: string) => ({
    entity,
    before: row(`form:${id}`, { name: from }),
    after: row(`form:${id}`, { name: to }),
  });
  const groups = inGroups([
    moved(1, 'A', 'B'),
    moved(2, 'X', 'X'),
    moved(3, 'C', 'A'),
    moved(4, 'B', 'C'),
  ]);
  expect(groups.map((group) => group.map(({ before }) => before?.id))).toEqual([[1, 3, 4], [2]]);
});
