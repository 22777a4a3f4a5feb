// Servers for tests in which the production server orders staging databases (made from backups of production) from the
// staging server over HTTP. A mail server receives the e-mails that production sends.
import { run, sql } from '../../src/database/sql.ts';
import { openApp, type App } from '../../src/environments/app.ts';
import { deliver } from '../../src/messages/delivery.ts';
import { followJobs } from '../../src/staging/follow.ts';
import { askAboutOrders } from '../../src/staging/run.ts';
import { freePort } from '../../bin/programs.ts';
import { afterAll, beforeAll } from './hooks.ts';
import { openMailServer, type MailServer } from './mail-server.ts';
import { listen, type Listening } from './servers.ts';
import { settingsOf, type World } from './world.ts';

export type Ordering = {
  mail: MailServer;
  servers: Listening;
  production: App;
  staging: App;
  /**
   * Runs the periodic work of both servers now, such as sending orders and callbacks; outside tests it runs every few
   * seconds.
   */
  chores(): Promise<void>;
};

/** Opens the two servers before the first test of a file. The returned object may be used only within tests. */
export function useOrdering(world: World): { readonly now: Ordering } {
  let opened: Ordering | undefined;
  beforeAll(async () => {
    opened = await openOrdering(world);
  }, 120_000);
  afterAll(async () => {
    await opened?.production.close();
    await opened?.staging.close();
    await opened?.servers.close();
    await opened?.mail.close();
  });
  return {
    get now() {
      if (!opened) throw new Error('The servers are open only inside hooks and tests.');
      return opened;
    },
  };
}

async function openOrdering(world: World): Promise<Ordering> {
  const mail = await openMailServer(await freePort());
  const also = { SMTP_URL: mail.url, MAIL_FROM: 'Oneway <oneway@example.com>' };
  const servers = await listen(world, async () => ({ staging: {}, preprod: {}, production: also }));
  const urls = Object.entries(servers.urls)
    .map((pair) => pair.join('='))
    .join(',');
  const here = { ...also, ENVIRONMENT_URLS: urls };
  const production = openApp(settingsOf(world.variables.production, here));
  const staging = openApp(settingsOf(world.variables.staging, { ENVIRONMENT_URLS: urls }));
  return {
    mail,
    servers,
    production,
    staging,
    chores: async () => {
      await followJobs(staging);
      await deliver(staging);
      const now = sql`update staging_order set next_at = utc_timestamp(3) where next_at is not null`;
      await run(production.sql, now);
      await askAboutOrders(production);
      await deliver(production);
    },
  };
}
