// People choose their own password through an invitation, and change it on the page My account.
import { setTimeout } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { freePort } from '../../bin/programs.ts';
import { run, select, sql, transaction } from '../../src/database/sql.ts';
import { deliver } from '../../src/messages/delivery.ts';
import * as outbox from '../../src/messages/outbox.ts';
import { accept, invite, reset } from '../../src/people/invitations.ts';
import { mailInvitation } from '../../src/people/mailed-links.ts';
import * as people from '../../src/people/people.ts';
import * as tokens from '../../src/people/tokens.ts';
import { openMailServer } from '../support/mail-server.ts';
import {
  hire,
  openSite,
  password,
  textOf,
  useClient,
  useSite,
  type Client,
} from '../support/people.ts';
import { fieldsOn } from '../support/shown-form.ts';
import { add, change } from '../support/rows.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();
const site = useSite(world, 'staging');
const ops = useClient(site, 'ops');
const NEXT = 'another long password';

let stranger: Client;
beforeEach(async () => {
  stranger = await site.as(null);
});

/** Returns the token of the invitation link on a page. */
const tokenOn = ({ text }: { text: string }) =>
  /\/invitation\?token=([\w-]+)/.exec(text)?.[1] ?? '';

const canSignIn = async (email: string, typed: string) =>
  (await people.verify(site.here.sql, email, typed)) !== null;

describe('invitations to choose a password', () => {
  const added = async () => {
    const answer = await ops.post('/people', { name: 'Ana', email: 'ana@example.com' });
    const path = answer.headers['location'] ?? '';
    return { path, token: tokenOn(await ops.get(path)) };
  };

  test('an invitation lets an added person choose a password once, and signs the person in (B5)', async () => {
    const { path, token } = await added();
    expect(token).toMatch(/^[\w-]{43}$/);
    expect(tokenOn(await ops.get(path))).toBe('');
    expect(textOf((await stranger.get(`/invitation?token=${token}`)).text)).toContain(
      'Choose your password for staging',
    );
    const easy = await stranger.post('/invitation', { token, password: 'password1234' });
    expect([easy.status, textOf(easy.text)]).toEqual([422, expect.stringContaining('easy')]);
    const accepted = await stranger.post('/invitation', { token, password: NEXT });
    expect([accepted.status, accepted.headers['location']]).toEqual([303, '/']);
    await stranger.get('/').expect(200);
    expect(await canSignIn('ana@example.com', NEXT)).toBe(true);
    const again = await (await site.as(null)).post('/invitation', { token, password });
    expect(again.status).toBe(410);
    expect(textOf(again.text)).toContain('For a new link, ask an administrator.');
    expect(textOf((await ops.get('/audit')).text)).toContain('accepted invitation');
  });

  test('an invitation stops working after a day, when a new one is created, and when the account is closed (B5)', async () => {
    const { path, token } = await added();
    await ops.post(
      `${path}/invitation`,
      fieldsOn((await ops.get(path)).text, `action="${path}/invitation"`),
    );
    const next = tokenOn(await ops.get(path));
    const status = async (one: string) =>
      (await stranger.get(`/invitation?token=${one}`)).statusCode;
    expect([await status(token), await status(next), await status('')]).toEqual([410, 200, 410]);
    await ops.post(`${path}/closing`);
    expect(await status(next)).toBe(410);
    await ops.post(`${path}/reopening`);
    expect(await status(next)).toBe(410);
    await ops.post(`${path}/invitation`, { seen: '' });
    const last = tokenOn(await ops.get(path));
    expect(await status(last)).toBe(200);
    await site.here.sql.query('update invitation set expires_at = utc_timestamp(3)');
    expect(await status(last)).toBe(410);
  });

  test('an administrator whose page is outdated cannot replace an invitation that another administrator created meanwhile (F16)', async () => {
    const { path } = await added();
    await site.here.sql.query('delete from invitation');
    const shown = fieldsOn((await ops.get(path)).text, `action="${path}/invitation"`);
    await ops.post(`${path}/invitation`, shown);
    const token = tokenOn(await ops.get(path));
    expect((await ops.post(`${path}/invitation`, shown)).status).toBe(409);
    expect((await stranger.get(`/invitation?token=${token}`)).status).toBe(200);
    const fresh = fieldsOn((await ops.get(path)).text, `action="${path}/invitation"`);
    expect((await ops.post(`${path}/invitation`, fresh)).status).toBe(303);
  });

  test('when an invitation is used twice at the same time, only one use sets the password (B5)', async () => {
    const { token } = await added();
    const clients = await Promise.all([1, 2].map(() => site.as(null)));
    const answers = await Promise.all(
      clients.map((client) => client.post('/invitation', { token, password: NEXT })),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([303, 410]);
  });

  test('of two links of a person that are used at the same moment, one sets the password and ends the other', async () => {
    const id = Number((await added()).path.split('/').at(-1));
    const made: string[] = [];
    for (let link = 0; link < 2; link += 1) {
      await reset(site.here, id, async (_on, _person, { token }) => {
        made.push(token);
      });
    }
    // Both wait for the person, whom another request has locked, and then go on together.
    const uses = await transaction(site.here.sql, async (on) => {
      await people.locked(on, id);
      const begun = made.map((token) => accept(site.here, token, { password: NEXT }));
      await setTimeout(500);
      return begun;
    }).then((begun) => Promise.allSettled(begun));
    expect(uses.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(uses.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { status: 410 },
    });
  });

  test('an invited person’s current password works until a new one is chosen, and the invitation is stored only as a hash (B5)', async () => {
    await hire(site.here, 'vic');
    const vic = (await people.list(site.here.sql)).find(({ name }) => name === 'vic');
    await ops.post(`/people/${vic?.id}/invitation`);
    const token = tokenOn(await ops.get(`/people/${vic?.id}`));
    expect(await canSignIn('vic@example.com', password)).toBe(true);
    const [rows] = await site.here.sql.query('select * from invitation');
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain(token);
    await stranger.post('/invitation', { token, password: NEXT });
    expect(await canSignIn('vic@example.com', password)).toBe(false);
  });

  test('only administrators create invitations, and not even an administrator can choose a password for another person (B5)', async () => {
    const pm = await site.as('pm');
    expect((await pm.post('/people/1/invitation')).status).toBe(403);
    expect((await ops.post('/people/1/password', { password: NEXT })).status).toBe(404);
    await ops.post('/people', { name: 'Ben', email: 'ben@example.com', password });
    expect(await canSignIn('ben@example.com', password)).toBe(false);
  });
});

describe('the page My account', () => {
  const vic = useClient(site, 'vic');
  const change = (body: object) => vic.post('/account/password', { ...body });

  test('the page My account shows the signed-in person’s e-mail and permissions (B5)', async () => {
    const [mine, theirs] = [await vic.get('/account'), await ops.get('/account')];
    expect(textOf(mine.text)).toContain('vic@example.com');
    expect(textOf(mine.text)).toContain('You may view everything');
    expect(textOf(theirs.text)).toContain('Administrator – Invites people, gives permissions');
    await stranger.get('/account').expect(303);
  });

  test('My account changes the password after asking for the current one, and ends all other sessions (B5)', async () => {
    const other = await site.as('vic');
    const wrong = await change({ present_password: NEXT, password: NEXT });
    expect([wrong.status, textOf(wrong.text)]).toEqual([422, expect.stringContaining('present')]);
    const changed = await change({ present_password: password, password: NEXT });
    expect([changed.status, changed.headers['location']]).toEqual([303, '/account']);
    expect(textOf((await vic.get('/account')).text)).toContain('Password changed');
    await other.get('/').expect(303);
    expect(await canSignIn('vic@example.com', password)).toBe(false);
    expect(await canSignIn('vic@example.com', NEXT)).toBe(true);
  });

  test('the page My account refuses a new password that is easy to guess, equals the e-mail, or equals the current password (B5)', async () => {
    for (const easy of ['aaaaaaaaaaaa', 'vic@example.com', password]) {
      const answer = await change({ present_password: password, password: easy });
      expect([easy, answer.status]).toEqual([easy, 422]);
      expect(answer.text).not.toMatch(/type="password" value="[^"]/);
    }
    expect(await canSignIn('vic@example.com', password)).toBe(true);
  });

  test('the page My account refuses an eleventh attempt after ten wrong attempts at the current password (B5)', async () => {
    const statuses: number[] = [];
    for (let time = 0; time < 11; time += 1) {
      statuses.push((await change({ present_password: 'wrong', password: NEXT })).status);
    }
    expect(statuses.at(-2)).toBe(422);
    expect(statuses.at(-1)).toBe(429);
  });
});

describe('e-mail settings on the page My account', () => {
  const mailing = useSite(world, 'staging', {
    SMTP_URL: 'smtp://127.0.0.1:1',
    MAIL_FROM: 'oneway@example.org',
  });
  const rowOn = (html: string, kind: string) =>
    new RegExp(`<input[^>]*value="${kind}"[^>]*>`).exec(html)?.[0];
  const emails = async () =>
    (await outbox.list(mailing.here.sql, { channel: 'email', state: '', before: null })).map(
      ({ event, recipient }) => [event, recipient],
    );
  const lose = async (here = mailing.here) => {
    const form = { entity: 'form', id: await add(here, 'form', { description: 'Mine' }) };
    await change(here, form, { description: 'Theirs' }, ana);
  };
  const ana = { email: 'ana@example.com', isProductManager: true };

  test('a person switches e-mails on or off for each kind of message, and saving an outdated page keeps choices that were saved meanwhile', async () => {
    const pm = await mailing.as('pm');
    const { text: page } = await pm.get('/account').expect(200);
    expect(rowOn(page, 'edit.overtaken')).toContain('checked');
    expect(rowOn(page, 'rows.arrived')).not.toContain('checked');
    expect(page).not.toContain('No mail server is set');
    expect(page).not.toContain('Account migrations failed');
    await lose();
    expect(await emails()).toEqual([['edit.overtaken', 'pm@example.com']]);
    const shown = fieldsOn(page, 'action="/account/emails"')['shown'] as string;
    const without = shown.split(' ').filter((kind) => kind !== 'edit.overtaken');
    const saved = await pm.post('/account/emails', { shown, emails: without });
    expect([saved.status, saved.headers['location']]).toEqual([303, '/account#emails']);
    await lose();
    expect(await emails()).toHaveLength(1);
    await pm.post('/account/emails', { shown, emails: [...shown.split(' '), 'rows.arrived'] });
    const { text: later } = await pm.get('/account');
    expect(rowOn(later, 'edit.overtaken')).not.toContain('checked');
    expect(rowOn(later, 'rows.arrived')).toContain('checked');
    const now = fieldsOn(later, 'action="/account/emails"')['shown'];
    await pm.post('/account/emails', { shown: now, emails: now, all: 'off' });
    expect((await pm.get('/account')).text).not.toMatch(/name="emails"[^>]*checked/);
    expect((await pm.post('/account/emails', { emails: 'rows.arrived' })).status).toBe(422);
  });

  test('without a mail server, My account says that no e-mail is sent', async () => {
    const ed = await site.as('ed');
    expect(textOf((await ed.get('/account')).text)).toContain('No mail server is set for staging');
    await hire(site.here, 'pm');
    await lose(site.here);
    expect(await emails()).toEqual([]);
  });
});

describe('e-mails with a link to choose a password', () => {
  const mailed = async (more: Record<string, string> = {}) => {
    const mail = await openMailServer(await freePort());
    const site = await openSite(world, 'staging', {
      SMTP_URL: mail.url,
      MAIL_FROM: 'Oneway <oneway@example.org>',
      ENVIRONMENT_URLS: 'staging=http://oneway.example.org',
      CREDENTIALS_KEY: Buffer.alloc(32, 7).toString('base64'),
      ...more,
    });
    const close = async () => {
      await site.close();
      await mail.close();
    };
    return { mail, site, close };
  };
  const linesOf = (to: string) =>
    select<outbox.Line>(
      site.here.sql,
      sql`select * from outbox where recipient = ${to} order by id`,
    );

  test('an invitation is sent by e-mail; its link appears on no page and is encrypted in the database', async () => {
    const { mail, site: mailing, close } = await mailed();
    const admin = await mailing.as('ops');
    const added = await admin.post('/people', { name: 'Ana “A” 😀', email: 'ana@example.com' });
    const path = added.headers['location'] ?? '';
    const page = textOf((await admin.get(path)).text);
    expect(page).toContain('An e-mail with the link is on its way.');
    expect(page).not.toContain('/invitation?token=');
    const [waiting] = await linesOf('ana@example.com');
    expect(waiting).toMatchObject({ event: 'account.invitation', state: 'pending' });
    expect(JSON.stringify(waiting)).not.toContain('token=');
    expect((await admin.get('/outbox')).text).not.toContain(waiting?.body);
    await deliver(mailing.here);
    const [{ text = '', recipients } = { recipients: [] }] = mail.received;
    expect(recipients).toEqual(['ana@example.com']);
    const [, token] =
      /http:\/\/oneway\.example\.org\/invitation\?token=([\w-]{43})/.exec(text) ?? [];
    const [sent] = await linesOf('ana@example.com');
    expect(sent).toMatchObject({ state: 'acknowledged', body: '' });
    expect((await admin.post(`/outbox/${sent?.id}/retry`)).status).toBe(409);
    const accepted = await stranger.post('/invitation', { token, password: NEXT });
    expect(accepted.status).toBe(303);
    const own = await admin.post(`${path}/invitation`, { seen: '', way: 'link' });
    expect(own.status).toBe(303);
    expect(tokenOn(await admin.get(path))).toMatch(/^[\w-]{43}$/);
    await close();
  });

  test('a forgotten password is replaced through a link by e-mail; an unknown or closed account gets the same answer and no e-mail', async () => {
    const { mail, site: mailing, close } = await mailed();
    await hire(mailing.here, 'vic');
    await hire(mailing.here, 'ed');
    await run(
      site.here.sql,
      sql`update person set time_zone = 'Asia/Kolkata' where email = 'vic@example.com'`,
    );
    await run(site.here.sql, sql`update person set active = false where email = 'ed@example.com'`);
    const client = await mailing.as(null);
    expect((await client.get('/sign-in')).text).toContain('Forgot your password?');
    const ask = async (email: string) => {
      const answer = await client.post('/password-reset', { email });
      await deliver(mailing.here);
      const { text } = await client.get('/sign-in');
      return [answer.status, answer.headers['location'], textOf(text).replaceAll(email, '')];
    };
    const known = await ask('vic@example.com');
    expect(known[2]).toContain('an e-mail with a link is on its way');
    expect(await ask('ed@example.com')).toEqual(known);
    expect(await ask('nobody@example.com')).toEqual(known);
    for (let time = 0; time < 4; time += 1) expect(await ask('vic@example.com')).toEqual(known);
    expect((await client.post('/password-reset', { email: 'vic' })).status).toBe(422);
    expect(mail.received.map(({ recipients }) => recipients.join())).toEqual(
      Array.from({ length: 3 }, () => 'vic@example.com'),
    );
    expect(mail.received[0]?.text).toMatch(
      /It works once, until \d+ \w+ \d{4}, \d\d:\d\d GMT\+5:30\./,
    );
    const tokens = mail.received.map(({ text = '' }) => tokenOn({ text }));
    const works = async (token: string) => (await client.get(`/invitation?token=${token}`)).status;
    const statuses = await Promise.all(tokens.map(works));
    expect(statuses).toEqual([200, 200, 200]);
    const open = await select<{ minutes: number }>(
      site.here.sql,
      sql`select timestampdiff(minute, utc_timestamp(3), expires_at) as minutes from invitation`,
    );
    expect(open).toEqual([{ minutes: 239 }, { minutes: 239 }, { minutes: 239 }]);
    const [first, token] = tokens;
    const use = async (one = '') =>
      (await client.post('/invitation', { token: one, password: NEXT })).status;
    expect(await use(token)).toBe(303);
    expect(await canSignIn('vic@example.com', NEXT)).toBe(true);
    expect([await use(token), await use(first)]).toEqual([410, 410]);
    const spent = (await client.get(`/invitation?token=${token}`)).text;
    expect(spent).toContain('href="/password-reset">Forgot your password?');
    const refused = await client.post('/sign-in', { email: 'vic@example.com', password: 'wrong' });
    const reset = '/password-reset?email=vic%40example.com';
    expect(refused.text).toContain(`href="${reset}"`);
    expect((await client.get(reset)).text).toContain('value="vic@example.com"');
    const audited = textOf((await ops.get('/audit')).text);
    expect(audited).toContain('asked for a new password');
    expect(audited).toContain('reset password');
    expect(audited).not.toContain('accepted invitation');
    expect(audited).not.toContain('nobody@example.com');
    await close();
  });

  test('an e-mail that waits to be sent is not sent if the link in it has expired or the account of its recipient was closed', async () => {
    const { mail, site: mailing, close } = await mailed();
    const admin = await mailing.as('ops');
    await admin.post('/people', { name: 'Late', email: 'late@example.com' });
    await run(site.here.sql, sql`update outbox set ends_at = utc_timestamp(3)`);
    const added = await admin.post('/people', { name: 'Left', email: 'left@example.com' });
    await admin.post(`${added.headers['location']}/closing`);
    await deliver(mailing.here);
    expect(mail.received).toEqual([]);
    expect(await linesOf('late@example.com')).toMatchObject([{ state: 'failed', body: '' }]);
    expect(await linesOf('left@example.com')).toMatchObject([
      { state: 'failed', body: '', answer: 'The account was closed.' },
    ]);
    await close();
  });

  test('all links to choose a password that were e-mailed to a person work until the person has a new password', async () => {
    const { mail, site: mailing, close } = await mailed();
    await hire(mailing.here, 'vic');
    const { id = 0 } = (await people.withEmail(site.here.sql, 'vic@example.com')) ?? {};
    const client = await mailing.as(null);
    const ask = () => client.post('/password-reset', { email: 'vic@example.com' });
    await ask();
    await mailInvitation(mailing.here, 'ops@example.com', id, null);
    await ask();
    await deliver(mailing.here);
    expect(mail.received).toHaveLength(3);
    const links = mail.received.map(({ text = '' }) => tokenOn({ text }));
    const works = async (token: string) => (await client.get(`/invitation?token=${token}`)).status;
    expect(await Promise.all(links.map(works))).toEqual([200, 200, 200]);
    await ask();
    await people.setPassword(mailing.here, 'vic@example.com', id, { password: NEXT });
    await deliver(mailing.here);
    expect(mail.received).toHaveLength(3);
    expect(await Promise.all(links.map(works))).toEqual([410, 410, 410]);
    expect((await linesOf('vic@example.com')).map(({ state, body }) => [state, body])).toEqual([
      ['acknowledged', ''],
      ['acknowledged', ''],
      ['acknowledged', ''],
      ['failed', ''],
    ]);
    await close();
  });

  test('a person who only uses single sign-on gets an e-mail that says so, without a link to choose a password', async () => {
    const {
      mail,
      site: mailing,
      close,
    } = await mailed({
      OIDC_ISSUER: 'http://127.0.0.1:1',
      OIDC_CLIENT_ID: 'oneway',
      OIDC_CLIENT_SECRET: 'secret',
    });
    await people.add(mailing.here, 'ops@example.com', { name: 'Sol', email: 'sol@example.com' });
    await hire(mailing.here, 'vic');
    const client = await mailing.as(null);
    for (const name of ['sol', 'vic']) {
      const answer = await client.post('/password-reset', { email: `${name}@example.com` });
      expect(answer.status).toBe(303);
      await deliver(mailing.here);
    }
    const [toSol, toVic] = mail.received.map(({ text = '' }) => text);
    expect(toSol).toContain('sign in with single sign-on');
    expect(toSol).not.toContain('token=');
    expect(tokenOn({ text: toVic ?? '' })).toMatch(/^[\w-]{43}$/);
    await close();
  });

  test('while the database cannot be written, asking for a new password fails alike for known and unknown e-mails', async () => {
    const { site: mailing, close } = await mailed();
    await hire(mailing.here, 'vic');
    const client = await mailing.as(null);
    await run(
      site.here.sql,
      sql`create trigger no_audit before insert on audit
          for each row signal sqlstate 'HY000' set mysql_errno = 1290`,
    );
    const statuses = [];
    for (const email of ['vic@example.com', 'nobody@example.com']) {
      statuses.push((await client.post('/password-reset', { email })).status);
    }
    await run(site.here.sql, sql`drop trigger no_audit`);
    expect(statuses).toEqual([503, 503]);
    expect((await client.get('/sign-in')).text).not.toContain('is on its way');
    await close();
  });

  test('without a mail server, the sign-in page does not offer to replace a forgotten password', async () => {
    expect((await stranger.get('/sign-in')).text).not.toContain('Forgot your password?');
    expect((await stranger.get('/password-reset')).status).toBe(404);
    expect((await stranger.post('/password-reset', { email: 'vic@example.com' })).status).toBe(404);
  });
});

test('sessions, tokens and invitation links that ended when an account was closed do not work again when the account is opened again', async () => {
  const vic = await site.as('vic');
  const { id = 0 } = (await people.withEmail(site.here.sql, 'vic@example.com')) ?? {};
  const token = tokens.issue(site.here, await people.known(site.here.sql, id));
  const invited = await invite(site.here, 'ops@example.com', id);
  await ops.post(`/people/${id}/closing`);
  await ops.post(`/people/${id}/reopening`);
  expect((await vic.get('/account')).headers['location']).toBe('/sign-in');
  expect(await tokens.holderOf(site.here, token)).toBeNull();
  expect((await stranger.get(`/invitation?token=${invited}`)).status).toBe(410);
  expect(await canSignIn('vic@example.com', password)).toBe(true);
});
