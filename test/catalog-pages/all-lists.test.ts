// The lists of transfers, jobs, people and selections: filters with chips, pages, and exports with the same filters.
import { expect, test } from 'vitest';
import { sql, run } from '../../src/database/sql.ts';
import * as jobs from '../../src/jobs/jobs.ts';
import { begin } from '../../src/sheet/kept-selections.ts';
import { add, ed, transfer } from '../support/rows.ts';
import { textOf, useClient, useSite } from '../support/people.ts';
import { statementsOf } from '../support/statements.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld({ cleared: 'once' });
const site = useSite(world, 'staging');
const pm = useClient(site, 'pm');
const ops = useClient(site, 'ops');
const vic = useClient(site, 'vic');

const rowsOn = async (client: typeof pm, path: string) => {
  const { text } = await client.get(path).expect(200);
  return [...text.matchAll(/<th scope="row">\s*<a [^>]*>([^<]*)</g)].map(([, title]) => title);
};
const exported = async (client: typeof pm, path: string) =>
  (await client.get(path).expect(200)).body as Record<string, unknown>[];

test('the list of transfers is filtered by state, person and day, and its export has the same filters', async () => {
  const { staging } = world;
  const names = ['First', 'Second “quoted” 🪔'];
  for (const name of names) {
    await transfer(staging, [{ entity: 'form', id: await add(staging, 'form', { name }) }]);
  }
  await run(staging.sql, sql`update transfer set state = 'refused' where name = 'First'`);
  await run(
    staging.sql,
    sql`update transfer set created_at = '2026-11-09 19:00:00' where name = 'First'`,
  );
  expect(await rowsOn(vic, '/transfers?state=refused')).toEqual(['First']);
  expect(await rowsOn(vic, '/transfers?state=verified&person=pm')).toHaveLength(1);
  expect(await rowsOn(vic, '/transfers?person=nobody@example.com')).toEqual([]);
  expect(await rowsOn(vic, '/transfers?from=2026-11-09&to=2026-11-09')).toEqual(['First']);
  const { text } = await vic.get('/transfers?state=refused&to=2026-11-09&person=pm');
  expect(text).toContain('class="chip" href="/transfers?person=pm&amp;to=2026-11-09"');
  expect(textOf(text)).toContain('State: Refused: nothing written');
  const href = /href="([^"]+format=json)"/.exec(text)?.[1]?.replaceAll('&amp;', '&') ?? '';
  expect(await exported(vic, href)).toMatchObject([
    { name: 'First', rows: 1, state: 'Refused: nothing written' },
  ]);
  expect(await exported(vic, '/transfers/export?format=json')).toHaveLength(2);
  await vic.get('/transfers/export?format=xml').expect(404);
});

test('the list of jobs is filtered by person and day, and its pages together show each job exactly once', async () => {
  const { staging } = world;
  const kind = 'comparison';
  for (let number = 1; number <= 60; number += 1) {
    const person = number > 55 ? ed.email : 'pm@example.com';
    await jobs.request(staging.sql, { kind, name: `Job ${number}`, person, input: {} });
  }
  await run(staging.sql, sql`update job set state = 'running' where name = 'Job 2'`);
  const first = await rowsOn(vic, '/jobs?kind=comparison');
  expect(first).toHaveLength(50);
  expect(first[0]).toBe('Job 2');
  const { text } = await vic.get('/jobs?kind=comparison');
  const older = /rel="next" href="([^"]+)"/.exec(text)?.[1]?.replaceAll('&amp;', '&') ?? '';
  const all = [...first, ...(await rowsOn(vic, older))];
  expect([all.length, new Set(all).size]).toEqual([60, 60]);
  expect(await rowsOn(vic, '/jobs?person=ed%40example.com')).toHaveLength(5);
  expect(await rowsOn(vic, '/jobs?to=2020-01-01')).toEqual([]);
  expect(await exported(vic, '/jobs/export?format=json&person=ed%40example.com')).toHaveLength(5);
});

test('the list of people is filtered by name, state and permission, and only administrators can export it', async () => {
  await site.as('ed');
  expect(await rowsOn(ops, '/people?q=VIC')).toEqual(['vic']);
  expect(await rowsOn(ops, '/people?permission=editor&state=active')).toEqual(['ed']);
  expect(await rowsOn(ops, '/people?state=closed')).toEqual([]);
  const [line] = await exported(ops, '/people/export?format=json&q=ed@');
  expect(line).toMatchObject({ email: 'ed@example.com', staging_permissions: 'Editor' });
  await vic.get('/people/export?format=json').expect(403);
});

test('the list of selections is filtered by state and person, and needs no more SQL statements for many selections than for two', async () => {
  const { sql: on } = world.staging;
  const beginMany = async (from: number, to: number, person: string) => {
    for (let number = from; number <= to; number += 1) {
      const id = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
      await begin(on, id, person, { name: `Selection ${number}`, reason: null });
    }
  };
  await beginMany(1, 2, 'pm@example.com');
  await pm.get('/selections');
  const few = await statementsOf(() => pm.get('/selections').expect(200));
  await beginMany(3, 60, ed.email);
  const many = await statementsOf(() => pm.get('/selections').expect(200));
  expect(many).toBeLessThanOrEqual(few);
  expect(await rowsOn(pm, '/selections?state=open')).toHaveLength(50);
  expect(await rowsOn(pm, '/selections?state=open&page=2')).toHaveLength(10);
  expect(await rowsOn(pm, '/selections?state=open&page=9')).toHaveLength(10);
  expect(await rowsOn(pm, '/selections?state=open&person=pm')).toHaveLength(2);
  expect(await exported(pm, '/selections/export?format=json&state=open')).toHaveLength(60);
});
