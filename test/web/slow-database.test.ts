// Tests pages while a database of their own environment answers every query late: the pages answer in time, or end with
// an error message.
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { timeouts } from '../../src/database/timeouts.ts';
import { openSite, textOf, type Client, type Site } from '../support/people.ts';
import { openProxy, type Proxy } from '../support/proxy.ts';
import { openWorld, servers, useWorld } from '../support/world.ts';

const usual = { ...timeouts };
let own: Record<'mysql' | 'mongo', Proxy>;
const world = useWorld({
  cleared: 'once',
  open: async () => {
    const { mysql, mongo } = servers();
    own = {
      mysql: await openProxy(Number(mysql.port)),
      mongo: await openProxy(Number(mongo.port)),
    };
    return openWorld(undefined, ({ staging }) => {
      staging['SQL_DB_PORT'] = String(own.mysql.port);
      staging['NOSQL_DB_PORT'] = String(own.mongo.port);
    });
  },
});

let site: Site | undefined;
let pm: Client;
beforeEach(async () => {
  site ??= await openSite(world, 'staging');
  pm = await site.as('pm');
  await pm.get('/catalog/form');
  Object.assign(timeouts, usual);
});
afterEach(() => {
  for (const proxy of Object.values(own)) proxy.heal();
});
afterAll(() => {
  for (const proxy of Object.values(own)) proxy.close();
});

const sentence = /(answers too slowly|does not answer) right now/;

/** Requests a page. Expects the page, or an error message, within the given milliseconds. */
async function expectAnswer(path: string, within: number) {
  const begun = performance.now();
  const { status, text } = await pm.get(path);
  const isTold = status < 400 || (status === 503 && sentence.test(textOf(text)));
  expect([path, status, isTold]).toEqual([path, status, true]);
  expect(performance.now() - begun).toBeLessThan(within);
}

describe.each<keyof typeof own>(['mysql', 'mongo'])('with a slow %s server', (server) => {
  test('pages of an environment with a slow database end within twelve seconds, if necessary with an error message (F11)', async () => {
    own[server].slow(1500);
    const pages = ['/', '/catalog/form', '/catalog/task', '/transfers', '/selections', '/sign-in'];
    await Promise.all(pages.map((path) => expectAnswer(path, 12_000)));
  }, 40_000);

  test('a save to a slow database succeeds, or ends with an error message and the typed values (F11)', async () => {
    const csrf = await pm.token();
    // Shortens the timeouts in proportion to the usual ones, so that the test is fast.
    Object.assign(timeouts, { slow: 300, slowAnswer: 200, slowPage: 800, slowSave: 1500 });
    own[server].slow(250);
    const typed = { name: `Typed while ${server} was slow`, description: '' };
    const begun = performance.now();
    const answer = await pm.postRaw(
      '/catalog/form',
      'application/x-www-form-urlencoded',
      new URLSearchParams({ ...typed, csrf }).toString(),
    );
    if (answer.status !== 303) {
      expect([answer.status, textOf(answer.text)]).toEqual([503, expect.stringMatching(sentence)]);
      expect(answer.text).toContain(typed.name);
    }
    expect(performance.now() - begun).toBeLessThan(5000);
  }, 40_000);
});

test('a page that needs many answers of a slow MySQL ends with an error message, and works when MySQL is fast again (F11)', async () => {
  Object.assign(timeouts, { slow: 300, slowAnswer: 200, slowPage: 500 });
  own.mysql.slow(400);
  const page = await pm.get('/catalog/task');
  expect([page.status, textOf(page.text)]).toEqual([503, expect.stringMatching(sentence)]);
  own.mysql.heal();
  expect((await pm.get('/catalog/task')).status).toBe(200);
}, 40_000);
