// Other programs may have created the text columns of the next environment in another character set or collation.
import { afterEach, expect, test } from 'vitest';
import { requestComparison } from '../../src/comparison/job.ts';
import { matrix } from '../../src/comparison/matrix.ts';
import { runJob } from '../../src/jobs/runner.ts';
import { runRefresh } from '../../src/refresh/refresh.ts';
import { releaseChecks } from '../../src/release/checks.ts';
import { tasks } from '../../src/tasks.ts';
import { openSite } from '../support/people.ts';
import { add, change, get, pm, refusalOf, sheet, transfer } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();

/**
 * Gives text columns of pre-production the character set and collation in `kind`: the columns that are read by lists
 * and searches, by the comparison of names, or by the computation of row hashes in MySQL.
 */
async function alter(kind: string) {
  const { sql } = world.preprod;
  await sql.query(`alter table sts modify text varchar(200) ${kind} not null`);
  await sql.query(`alter table city modify name varchar(100) ${kind} not null`);
  await sql.query(
    `alter table business modify name varchar(80) ${kind} not null, modify category varchar(40) ${kind} not null`,
  );
}

afterEach(() => alter('character set utf8mb4 collate utf8mb4_bin'));

const kinds = [
  'character set utf8mb3',
  'character set latin1',
  'character set utf8mb4 collate utf8mb4_general_ci',
];

/**
 * Adds a business in a city, and an STS (a sentence that people say) of this business, to staging. Pre-production has a
 * city with the same name.
 */
async function sent() {
  const { staging, preprod } = world;
  await add(preprod, 'city', { name: 'Zürich' });
  await add(staging, 'city', { name: 'Zürich' });
  const business = await add(staging, 'business', {
    name: 'Éclair',
    cities: [{ city: 'Zürich', partner: null }],
  });
  const key = { entity: 'sts', id: await add(staging, 'sts', { business, text: 'Plain é' }) };
  return { key, business: { entity: 'business', id: business } };
}

test.each(kinds)(
  'lists, search, sorting and pickers (inputs with suggestions) work if the text columns of a table are in %s (F10)',
  async (kind) => {
    const { key, business } = await sent();
    await alter(kind);
    await transfer(world.staging, [business, key]);
    const site = await openSite(world, 'preprod');
    const client = await site.as('pm');
    for (const path of [
      '/catalog/sts?q=plain',
      '/catalog/sts?q=%F0%9F%99%82',
      '/catalog/sts?sort=text',
      '/catalog/sts/options?q=plain',
      '/catalog/business?category=Food&sort=-name&q=eclair',
      '/catalog/city?q=zurich&sort=name',
      `/catalog/business/${business.id}`,
      '/search?q=plain',
      '/search?q=%E4%BA%AC%F0%9F%99%82',
    ]) {
      const { status, text } = await client.get(path);
      expect([path, status]).toEqual([path, 200]);
      if (path.endsWith('plain')) expect(text).toContain('Plain é');
    }
    await site.close();
  },
);

test.each(kinds)(
  'transfers, comparisons and refreshes work if the text columns of the next environment are in %s (F10)',
  async (kind) => {
    const { staging, preprod, production } = world;
    const { key, business } = await sent();
    await alter(kind);
    expect((await transfer(staging, [business, key])).state).toBe('verified');
    await change(staging, key, { text: 'Plainer é' });
    expect((await transfer(staging, [key])).state).toBe('verified');
    const { job } = await requestComparison(staging, pm.email, { isFull: true });
    expect((await runJob(staging, tasks, job.id))?.state).toBe('done');
    expect(await matrix(staging.sql)).toBeDefined();
    expect((await sheet(staging, [key])).facts.pairs.get(`sts:${key.id}`)?.status).toBe('In sync');
    await add(production, 'business', { name: 'Above ö' });
    const report = await runRefresh({
      here: preprod,
      there: production,
      source: production,
      lease: 2000,
    });
    expect(report).toMatchObject({ created: 1, skipped: 0 });
  },
);

test.each([
  ['character set utf8mb3', '🙂'],
  ['character set latin1', '京'],
])(
  'the transfer sheet names a character that a text column of the next environment (in %s) cannot store (F10)',
  async (kind, character) => {
    const { key, business } = await sent();
    await transfer(world.staging, [business, key]);
    await alter(kind);
    await change(world.staging, key, { text: `Plain ${character}` });
    const { plan } = await sheet(world.staging, [key]);
    expect(plan.problems).toMatchObject([{ reason: 'value-unstorable' }]);
    expect(plan.problems[0]?.message).toContain(character);
    expect(plan.problems[0]?.message).toContain('column text of sts');
    expect(await refusalOf(transfer(world.staging, [key]))).toEqual(['value-unstorable']);
    expect(await get(world.preprod, key)).toMatchObject({ text: 'Plain é' });
    const checks = await releaseChecks(world.staging);
    const failed = checks.flatMap((one) => (one.isThere ? [] : [one.detail]));
    expect(failed.join('\n')).toContain('Column text of sts in pre-production is');
  },
);
