// One inbox across environments: a person sees in staging how many unread messages wait in the environments after it.
import { expect, test } from 'vitest';
import * as inApp from '../../src/messages/channels/in-app.ts';
import { emailAbout, notify } from '../../src/messages/messages.ts';
import { select, sql } from '../../src/database/sql.ts';
import type { App } from '../../src/environments/app.ts';
import { forgetCached } from '../../src/database/cached-for.ts';
import { hire, openSite, textOf } from '../support/people.ts';
import { useWorld } from '../support/world.ts';

const world = useWorld();

const notifyIn = (here: App, to: string) =>
  notify(here.sql, {
    event: 'rows.undone',
    to,
    text: 'Secret text of a message',
    href: '/transfers/1',
    email: emailAbout(here, 'Undone'),
  });

test('the bell in staging counts a person’s unread messages in all three environments, and the page Messages lists them by environment', async () => {
  const urls = 'preprod=https://pre.example.org,staging=https://staging.example.org';
  const site = await openSite(world, 'staging', { ENVIRONMENT_URLS: urls });
  const pm = await site.as('pm');
  expect((await pm.get('/account')).text).not.toContain('class="bell');
  await notifyIn(site.here, 'pm@example.com');
  for (const to of ['pm@example.com', 'pm@example.com', 'ed@example.com']) {
    await notifyIn(world.preprod, to);
  }
  forgetCached();
  const { text: page } = await pm.get('/messages').expect(200);
  const bell = textOf(/<a class="bell.*?<\/a>/s.exec(page)?.[0] ?? '');
  expect(bell).toBe('3 3 new messages (2 in pre-production)');
  expect(page).toMatch(
    /<a href="https:\/\/pre.example.org\/messages">Pre-production<\/a>:\s+2 new messages/,
  );
  expect(textOf(page)).toContain('Production: No new messages');
  expect(page.match(/Secret text/g)).toHaveLength(1);
  await inApp.markRead(world.preprod.sql, 'pm@example.com', 100);
  forgetCached();
  expect(textOf((await pm.get('/messages')).text)).toMatch(/Pre-production ?: No new messages/);
  const preprod = await openSite(world, 'preprod', { ENVIRONMENT_URLS: urls });
  const there = textOf((await (await preprod.as('pm')).get('/messages')).text);
  expect(there).toMatch(/Staging ?: not counted from pre-production/);
});

test('an environment can count unread messages in the next environment and in production, but cannot read their texts', async () => {
  const { destination, source } = world.staging;
  await hire(world.preprod, 'pm');
  for (const there of [destination, source]) {
    if (!there) throw new Error('Staging has a destination and a source.');
    expect(await inApp.unread(there.sql, 'pm@example.com')).toBe(0);
    for (const column of [sql`text`, sql`href`, sql`event`]) {
      await expect(select(there.sql, sql`select ${column} from message`)).rejects.toMatchObject({
        errno: 1143,
      });
    }
  }
});
