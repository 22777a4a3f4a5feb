// Tests the pages of an open staging database while its database servers are unreachable or silent: every page ends
// with an error message that says how to leave the staging database, and the pages of the staging environment itself
// work.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { timeouts } from '../../src/database/timeouts.ts';
import { openSite, textOf, type Site } from '../support/people.ts';
import { openProxy, type Proxy } from '../support/proxy.ts';
import { add } from '../support/rows.ts';
import { backUp, build, client, useCopies } from '../support/staging.ts';
import { servers } from '../support/world.ts';

const world = useCopies({}, 'once');
const name = `${client}-lab_trial`;
let proxies: Record<'MySQL' | 'MongoDB', Proxy>;
let site: Site;

beforeAll(async () => {
  await add(world.production, 'form', { name: 'Visit' });
  await backUp(world.production);
  expect((await build(world.staging)).state).toBe('ready');
  const { mysql, mongo } = servers();
  proxies = {
    MySQL: await openProxy(Number(mysql.port)),
    MongoDB: await openProxy(Number(mongo.port)),
  };
  site = await openSite(world, 'staging', {
    COPIES_SQL_DB_PORT: String(proxies.MySQL.port),
    COPIES_NOSQL_DB_PORT: String(proxies.MongoDB.port),
  });
}, 120_000);
afterAll(() => {
  for (const proxy of Object.values(proxies)) proxy.close();
});
afterEach(async () => {
  Object.assign(timeouts, { page: 20_000, probe: 20_000, silence: 20_000 });
  for (const proxy of Object.values(proxies)) {
    await proxy.accept();
    proxy.heal();
  }
});

test.each([
  ['MySQL', 'unreachable', (proxy: Proxy) => proxy.refuse()],
  ['MongoDB', 'unreachable', (proxy: Proxy) => proxy.refuse()],
  ['MySQL', 'silent', (proxy: Proxy) => proxy.hang('both')],
  ['MongoDB', 'silent', (proxy: Proxy) => proxy.hang('both')],
] as const)(
  'F11 F12 while the %s server of an open staging database is %s, its pages end with an error message, and staging’s own pages work',
  async (server, _how, spoil) => {
    const ed = await site.as('ed');
    await ed.post(`/databases/${name}/opening`, { to: '/catalog/form' });
    expect((await ed.get('/catalog/form')).status).toBe(200);
    Object.assign(timeouts, { page: 1000, probe: 700, silence: 1000 });
    await spoil(proxies[server]);
    const page = await ed.get('/catalog/form');
    expect(page.status).toBe(503);
    expect(textOf(page.text)).toMatch(/leave it under Databases/);
    expect((await ed.get('/databases')).status).toBe(200);
    await ed.post('/databases/leaving');
    expect((await ed.get('/catalog/form')).status).toBe(200);
  },
  60_000,
);
