// People across the environments: three servers, of which each has its own accounts and reads from the others.
import { beforeEach, describe, expect, test } from 'vitest';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import request from 'supertest';
import * as credentials from '../../src/access/credentials.ts';
import { run, select, sql } from '../../src/database/sql.ts';
import { deadlines } from '../../src/environments/neighbours.ts';
import * as invitations from '../../src/people/invitations.ts';
import * as people from '../../src/people/people.ts';
import { Invalid } from '../../src/problems.ts';
import { hire, openSite, textOf, type Client, type Site } from '../support/people.ts';
import {
  besideSilence,
  neighbourSettings,
  sharedToken,
  useNeighbours,
} from '../support/neighbours.ts';
import { inAWeek } from '../support/scheduling.ts';
import { fieldsOn } from '../support/shown-form.ts';
import { useWorld, type EnvironmentOf } from '../support/world.ts';

const world = useWorld();
const names = ['staging', 'preprod', 'production'] as const;
const neighbours = useNeighbours(world);
let sites: EnvironmentOf<Site>;
let urls: EnvironmentOf<string>;
let ops: Client;

beforeEach(async () => {
  ({ sites, urls } = neighbours);
  ops = await sites.staging.as('ops');
});

const idIn = async (name: (typeof names)[number], email: string) =>
  (await people.list(sites[name].here.sql)).find((one) => one.email === email)?.id ?? 0;

describe('requests for data about people between the servers of the environments', () => {
  test('a server sends no data about people, such as e-mails, to a caller without PEOPLE_TOKEN, and refuses callers after 20 wrong tokens', async () => {
    const ask = (given: unknown) =>
      request(sites.production.app).post('/bridge/people').send({ token: given });
    await hire(sites.production.here, 'vic');
    for (const wrong of [undefined, '', sharedToken.slice(1), { a: 1 }]) {
      const { status, text } = await ask(wrong);
      expect([wrong, status === 401 || status === 422, text.includes('vic@')]).toEqual([
        wrong,
        true,
        false,
      ]);
    }
    const right = await ask(sharedToken);
    expect(right.body).toMatchObject({
      people: [{ email: 'vic@example.com', state: 'active', permissions: [] }],
    });
    expect(right.text).not.toMatch(/password|credential|hash|argon/);
    const later = [];
    for (let time = 0; time < 20; time += 1) later.push((await ask('wrong')).status);
    expect(later.at(-1)).toBe(429);
  });

  test('without the setting PEOPLE_TOKEN, a server sends other servers no data about people, and its page People names the missing setting', async () => {
    const site = await openSite(world, 'staging', { ...neighbourSettings(urls), PEOPLE_TOKEN: '' });
    await request(site.app).post('/bridge/people').send({ token: '' }).expect(401);
    const text = textOf((await (await site.as('ops')).get('/people')).text);
    expect(text).toContain('Production is not known: PEOPLE_TOKEN is not set on this server.');
  });

  test('while the setting PEOPLE_TOKEN lists a new and an old token, a server accepts both', async () => {
    const newer = 'a newer token of the three servers';
    const also = { ...neighbourSettings(urls), PEOPLE_TOKEN: `${newer}, ${sharedToken}` };
    const { app } = await openSite(world, 'production', also);
    for (const given of [newer, sharedToken]) {
      await request(app).post('/bridge/people').send({ token: given }).expect(200);
    }
  });
});

describe('the list of people and the page of a person', () => {
  test('the list of people has a column for each environment, and includes people who have an account only in another environment', async () => {
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

  test('a name in the list of people links to the account in this environment or, if there is none, to the account in another one', async () => {
    await hire(sites.staging.here, 'pm');
    await hire(sites.production.here, 'pm');
    await hire(sites.staging.here, 'vic');
    const page = await (await sites.production.as('ops')).get('/people');
    const [here, there] = [
      await idIn('production', 'pm@example.com'),
      await idIn('staging', 'vic@example.com'),
    ];
    expect(page.text).toMatch(new RegExp(`<a href="/people/${here}">pm</a>`));
    expect(page.text).toMatch(new RegExp(`<a href="${urls.staging}/people/${there}">vic</a>`));
  });

  test('the pages about people wait only a limited time for a silent server, and then say that its accounts are not known', async () => {
    const answer = deadlines.answer;
    deadlines.answer = 200;
    try {
      const site = await besideSilence(world, urls);
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

test('if another environment’s server sends an unreadable answer, the page People says so, and the answer is not logged', async () => {
  const other = createHttpServer((_asked, answer) =>
    answer.end('{"people":[{"email":"a@b.com" -'),
  ).listen(0);
  world.onClose(() => other.close());
  const preprod = `http://localhost:${(other.address() as AddressInfo).port}`;
  const site = await openSite(world, 'staging', neighbourSettings({ ...urls, preprod }));
  const lines: string[] = [];
  site.here.log.warn = (...line: unknown[]) => void lines.push(inspect(line));
  const text = textOf((await (await site.as('ops')).get('/people')).text);
  expect(text).toContain(
    'Pre-production is not known: its server, perhaps of another version, gave an answer that cannot be read.',
  );
  expect(lines.filter((line) => line.includes('/bridge/people'))).toHaveLength(1);
  expect(lines.join('')).not.toContain('b.com');
});

/** Returns the URL on the next server to which the header Refresh of an answer leads. */
const nextOn = (headers: Record<string, string>) =>
  new URL(/^0; url=(.+)$/.exec(headers['refresh'] ?? '')?.[1] ?? 'http://nowhere');

describe('inviting a person to several environments', () => {
  test('an invitation to three environments leads the browser from server to server, and an administrator of each environment confirms', async () => {
    const [inPreprod, inProduction] = [
      await sites.preprod.as('ops'),
      await sites.production.as('ops'),
    ];
    const first = await ops.post('/people', {
      name: 'Ana “Zoë” O’Neill 🌱',
      email: 'Ana@example.com',
      permissions: ['product_manager', 'administrator'],
      onward: ['preprod', 'production'],
    });
    const second = nextOn(first.headers);
    expect(second.origin).toBe(urls.preprod);
    expect(second.search).not.toContain('ana');
    const page = (await inPreprod.get(second.pathname + second.search)).text;
    const filled = fieldsOn(page, 'action="/people"');
    expect(filled).toMatchObject({
      name: 'Ana “Zoë” O’Neill 🌱',
      email: 'ana@example.com',
      permissions: 'product_manager',
      onward: 'production',
    });
    expect(textOf(page)).toContain('Filled in from staging, except Administrator');
    expect(await idIn('preprod', 'ana@example.com')).toBe(0);
    const third = nextOn((await inPreprod.post('/people', filled)).headers);
    expect(third.origin).toBe(urls.production);
    const last = fieldsOn(
      (await inProduction.get(third.pathname + third.search)).text,
      'action="/people"',
    );
    expect(last['permissions']).toBeUndefined();
    const end = await inProduction.post('/people', last);
    const shown = textOf((await inProduction.get(end.headers['location'] ?? '')).text);
    expect(shown).toMatch(
      /Staging Invited Product manager, Administrator .+ Pre-production Invited Product manager .+ Production \(here\) Invited View only/,
    );
    expect(shown).toContain('Give this link to Ana');
    const again = await inPreprod.post('/people', filled);
    expect([again.status, textOf(again.text)]).toEqual([
      422,
      expect.stringContaining('ana@example.com has an account already'),
    ]);
    expect(again.text).toContain(`href="${third.href.replaceAll('&', '&amp;')}"`);
  });

  test('inviting a person who has an account already is refused, with a link to invite the person to the next environment', async () => {
    const form = { name: 'Ana', email: 'ana@example.com', onward: ['preprod', 'production'] };
    const next = nextOn((await ops.post('/people', form)).headers);
    const refused = await ops.post('/people', { ...form, email: 'ANA@example.com' });
    expect([refused.status, refused.text]).toEqual([
      422,
      expect.stringContaining(`href="${next.href.replaceAll('&', '&amp;')}"`),
    ]);
  });

  test('the page of an invited person shows the link of a new invitation once, but not if a newer invitation has replaced it', async () => {
    const ids: number[] = [];
    for (const name of ['Ana', 'Ben', 'Cleo']) {
      const email = `${name.toLowerCase()}@example.com`;
      nextOn((await ops.post('/people', { name, email, onward: 'preprod' })).headers);
      ids.push(await idIn('staging', email));
    }
    const linkOn = async (id: number | undefined) =>
      /invitation\?token=[\w-]+/.exec((await ops.get(`/people/${id}`)).text)?.[0];
    await invitations.invite(sites.staging.here, 'sam@example.com', ids[1] ?? 0);
    const shown = [];
    for (const id of [...ids, ids[0]]) shown.push(typeof (await linkOn(id)));
    expect(shown).toEqual(['string', 'undefined', 'string', 'undefined']);
  });

  test('if several administrators add the same person at once, only one of them succeeds', async () => {
    const add = (by: string) =>
      people.add(sites.staging.here, by, { name: 'Ana', email: 'ana@example.com' });
    for (let time = 0; time < 5; time += 1) {
      await run(sites.staging.here.sql, sql`delete from person where email = 'ana@example.com'`);
      const both = await Promise.allSettled([add('one'), add('two'), add('three')]);
      const refused = both.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
      expect(refused.map((error: unknown) => error instanceof Invalid)).toEqual([true, true]);
    }
  });

  test('an e-mail address of 300 characters, and an e-mail address with an emoji, are refused with an explanation', async () => {
    const post = async (email: string) =>
      textOf((await ops.post('/people', { name: 'Ana', email })).text);
    expect(
      await post(`${'a'.repeat(60)}@${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(60)}.com`),
    ).toContain('E-mail must be 190 characters or fewer');
    expect(await post('ana🌱@example.com')).toContain('Enter an e-mail address, such as');
  });

  test('a person who is not an administrator of an environment cannot invite anyone to it, not even through a link from staging', async () => {
    const inProduction = await sites.production.as('vic');
    const address = '/people/new?from=staging&person=1&onward=';
    expect((await inProduction.get(address)).status).toBe(403);
    const forged = { name: 'Eve', email: 'eve@example.com', permissions: ['administrator'] };
    expect((await inProduction.post('/people', forged)).status).toBe(403);
    await request(sites.production.app)
      .post('/bridge/people')
      .send({ token: sharedToken, ...forged });
    expect(await idIn('production', 'eve@example.com')).toBe(0);
  });

  test('if another environment does not provide name and e-mail of the person to invite, the invitation form is empty and says why', async () => {
    const site = await besideSilence(world, urls);
    const client = await site.as('ops');
    const page = await client.get('/people/new?from=preprod&person=7&onward=production');
    expect(textOf(page.text)).toContain('could not be filled in: pre-production is not known');
    const nobody = await client.get('/people/new?from=production&person=777&onward=');
    expect(textOf(nobody.text)).toContain('filled in: there is no such account in production.');
    expect(fieldsOn(page.text, 'action="/people"')).toMatchObject({
      name: '',
      onward: 'production',
    });
  });
});

describe('closing the account of a person who leaves', () => {
  test('the page that closes an account shows what ends and what is kept, and then leads to the same page of the next environment', async () => {
    const pm = await sites.staging.as('pm');
    await sites.preprod.as('pm');
    const inPreprod = await sites.preprod.as('ops');
    await pm.post('/catalog/form', { name: 'Visit details' });
    await pm.post('/selections', { rows: 'form:1' });
    const { headers } = await pm.post('/selections/new', { name: 'Launch' });
    await pm.post(`${headers['location']}/schedule`, { run_at: inAWeek(), run_at_zone: 'UTC' });
    await credentials.create(sites.preprod.here, 'pm@example.com', {
      kind: 'bearer',
      name: 'app',
      scopes: ['catalog:*'],
    });
    const path = `/people/${await idIn('staging', 'pm@example.com')}/closing`;
    const shown = await ops.get(path);
    expect(textOf(shown.text)).toMatch(
      /Staging Ends: the account \(Product manager\), 1 open session, .+ Stays: 3 lines of the audit history .+ 1 row that they changed last .+ 1 selection that was not transferred – .+ 1 selection that they scheduled – not sent .+ Pre-production Ends: .+ 1 open session, .+ 1 API key that they made – go on working/,
    );
    const fields = fieldsOn(shown.text, `action="${path}"`);
    expect(fields).toMatchObject({ onward: 'preprod' });
    const next = nextOn((await ops.post(path, fields)).headers);
    expect(next.href).toBe(
      `${urls.preprod}/people/${await idIn('preprod', 'pm@example.com')}/closing?onward=`,
    );
    await pm.get('/').expect(303);
    expect(nextOn((await ops.post(path, fields)).headers).href).toBe(next.href);
    const left = textOf((await ops.get(path.replace('/closing', ''))).text);
    expect(left).toContain(
      'Closed in staging Still open in pre-production: Close it in pre-production…',
    );
    expect(left).toContain('No account in production');
    await inPreprod.post(next.pathname, {});
    const done = textOf((await inPreprod.get(next.pathname.replace('/closing', ''))).text);
    expect(done).toContain('Closed in staging Closed in pre-production No account in production');
    const closed = await select<{ number: number }>(
      sites.staging.here.sql,
      sql`select count(*) as number from audit where action = 'closed account'`,
    );
    expect(closed).toEqual([{ number: 1 }]);
  });

  test('when an account is closed, an environment that does not answer is skipped, and the page advises to close the account there later', async () => {
    const site = await besideSilence(world, urls);
    const client = await site.as('ops');
    await hire(sites.staging.here, 'vic');
    await hire(sites.production.here, 'vic');
    const path = `/people/${await idIn('staging', 'vic@example.com')}/closing`;
    expect(textOf((await client.get(path)).text)).toContain(
      'This account may be open in pre-production. Close it there when the server answers',
    );
    const answer = await client.post(path, { onward: ['preprod', 'production'] });
    expect(nextOn(answer.headers).origin).toBe(urls.production);
    expect(textOf((await client.get(path.replace('/closing', ''))).text)).toContain(
      'Not known in pre-production: its server does not answer.',
    );
  });

  test('the account of the last administrator of an environment cannot be closed, even if other environments have administrators', async () => {
    await hire(sites.production.here, 'ops');
    const path = `/people/${await idIn('staging', 'ops@example.com')}/closing`;
    const answer = await ops.post(path, { onward: 'production' });
    expect([answer.status, textOf(answer.text)]).toEqual([
      422,
      expect.stringContaining('This is the last administrator.'),
    ]);
    expect((await ops.get('/people')).status).toBe(200);
  });
});
