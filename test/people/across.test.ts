// People across the environments: three servers, of which each has its own accounts and reads from the others.
import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createServer, type AddressInfo } from 'node:net';
import request from 'supertest';
import { freePort } from '../../bin/programs.ts';
import { deadlines } from '../../src/people/elsewhere.ts';
import * as people from '../../src/people/people.ts';
import { hire, openSite, textOf, type Client, type Site } from '../support/people.ts';
import { useWorld, type EnvironmentOf } from '../support/world.ts';

const world = useWorld();
const names = ['staging', 'preprod', 'production'] as const;
const token = 'a token that the three servers share';
let sites: EnvironmentOf<Site>;
let urls: EnvironmentOf<string>;
let ops: Client;

const settingsFor = (addresses: EnvironmentOf<string>) => ({
  ENVIRONMENT_URLS: names.map((name) => `${name}=${addresses[name]}`).join(','),
  PEOPLE_TOKEN: token,
});

beforeAll(async () => {
  const ports = await Promise.all(names.map(() => freePort()));
  const [staging = '', preprod = '', production = ''] = ports.map(
    (port) => `http://localhost:${port}`,
  );
  urls = { staging, preprod, production };
  const open = async (index: number) => {
    const site = await openSite(world, names[index] ?? 'staging', settingsFor(urls));
    const server = site.app.listen(ports[index]);
    world.onClose(() => (server.closeAllConnections(), server.close()));
    return site;
  };
  sites = { staging: await open(0), preprod: await open(1), production: await open(2) };
});
beforeEach(async () => {
  ops = await sites.staging.as('ops');
});

const idIn = async (name: (typeof names)[number], email: string) =>
  (await people.list(sites[name].here.sql)).find((one) => one.email === email)?.id ?? 0;

/** Opens the site of staging with a pre-production server that accepts connections and never answers. */
async function besideSilence() {
  const silent = createServer((socket) => void socket.resume()).listen(0);
  world.onClose(() => silent.close());
  const preprod = `http://localhost:${(silent.address() as AddressInfo).port}`;
  return openSite(world, 'staging', settingsFor({ ...urls, preprod }));
}

describe('what servers tell each other', () => {
  test('a server without the token learns nothing about people, and 20 wrong tokens are the most', async () => {
    const ask = (given: unknown) =>
      request(sites.production.app).post('/bridge/people').send({ token: given });
    await hire(sites.production.here, 'vic');
    for (const wrong of [undefined, '', token.slice(1), { a: 1 }]) {
      const { status, text } = await ask(wrong);
      expect([wrong, status === 401 || status === 422, text.includes('vic@')]).toEqual([
        wrong,
        true,
        false,
      ]);
    }
    const right = await ask(token);
    expect(right.body).toMatchObject({
      people: [{ email: 'vic@example.com', state: 'active', permissions: [] }],
    });
    expect(right.text).not.toMatch(/password|credential|hash|argon/);
    const later = [];
    for (let time = 0; time < 20; time += 1) later.push((await ask('wrong')).status);
    expect(later.at(-1)).toBe(429);
  });

  test('without PEOPLE_TOKEN, nobody is told about people, and the page says what is missing', async () => {
    const site = await openSite(world, 'staging', { ...settingsFor(urls), PEOPLE_TOKEN: '' });
    await request(site.app).post('/bridge/people').send({ token: '' }).expect(401);
    const text = textOf((await (await site.as('ops')).get('/people')).text);
    expect(text).toContain('Production is not known: PEOPLE_TOKEN is not set on this server.');
  });
});

describe('the list and the page of a person', () => {
  test('the list has a column for each environment, and people who have an account only elsewhere', async () => {
    await hire(sites.staging.here, 'pm');
    await hire(sites.preprod.here, 'pm');
    await hire(sites.production.here, 'vic');
    const id = await idIn('preprod', 'pm@example.com');
    await people.setActive(sites.preprod.here, 'ops@example.com', id, false);
    const text = textOf((await ops.get('/people')).text);
    expect(text).toContain('Name Staging (here) Pre-production Production');
    expect(text).toContain(
      'pm pm@example.com Active Product manager Closed Product manager No account',
    );
    expect(text).toContain('vic vic@example.com No account No account Active View only');
  });

  test('the page of a person shows the account, the last sign-in and the open sessions in each environment', async () => {
    await sites.staging.as('pm');
    await sites.preprod.as('pm');
    await sites.preprod.as('pm');
    const id = await idIn('staging', 'pm@example.com');
    const page = await ops.get(`/people/${id}`);
    expect(textOf(page.text)).toMatch(
      /Staging \(here\) Active Product manager just now 1 Pre-production Active Product manager just now 2 Open in pre-production Production No account Invite to production…/,
    );
    expect(page.text).toContain(
      `href="${urls.production}/people/new?from=staging&amp;person=${id}"`,
    );
  });

  test('a server that is silent is not known, and the pages wait for it no longer than their limit', async () => {
    const answer = deadlines.answer;
    deadlines.answer = 200;
    try {
      const site = await besideSilence();
      const client = await site.as('ops');
      await hire(sites.production.here, 'ops');
      for (const path of ['/people', `/people/${await idIn('staging', 'ops@example.com')}`]) {
        const start = performance.now();
        const text = textOf((await client.get(path)).text);
        expect(performance.now() - start).toBeLessThan(1500);
        expect(text).toMatch(/(Pre-production is not|Not) known: its server does not answer\./);
        expect(text).toContain('Active Administrator');
      }
    } finally {
      deadlines.answer = answer;
    }
  });
});
