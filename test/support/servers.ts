// Starts the servers of the three environments on free ports, with people who can sign in, for browser tests.
import type { Server } from 'node:http';
import { freePort } from '../../bin/programs.ts';
import { createApp } from '../../src/app.ts';
import { openApp, type App } from '../../src/environments/app.ts';
import { openRedis, type Redis } from '../../src/environments/redis.ts';
import { startWorker } from '../../src/jobs/queue.ts';
import { tasks } from '../../src/tasks.ts';
import { cast, hire } from './people.ts';
import { settingsOf, type EnvironmentOf, type World } from './world.ts';

export type Listening = { urls: EnvironmentOf<string>; close(): Promise<void> };

type Also = EnvironmentOf<Record<string, string>>;

/**
 * Starts the three servers. `settingsFor` gets the URLs of all servers, and returns further settings for each server.
 */
export async function listen(
  world: World,
  settingsFor?: (urls: EnvironmentOf<string>) => Promise<Also>,
): Promise<Listening> {
  const names = ['staging', 'preprod', 'production'] as const;
  const ports = await Promise.all(names.map(() => freePort()));
  const [staging = '', preprod = '', production = ''] = ports.map(
    (port) => `http://localhost:${port}`,
  );
  const addresses = { staging, preprod, production };
  const urls = names.map((name) => `${name}=${addresses[name]}`).join(',');
  const also = await settingsFor?.(addresses);
  const open: { here: App; redis: Redis; server: Server; stop: () => Promise<void> }[] = [];
  for (const [index, name] of names.entries()) {
    const here = openApp(
      settingsOf(world.variables[name], {
        ENVIRONMENT_URLS: urls,
        PEOPLE_TOKEN: 'a token that the three servers share',
        ...also?.[name],
      }),
    );
    for (const role of Object.keys(cast)) await hire(here, role);
    const redis = await openRedis(here);
    const server = createApp(here, redis).listen(ports[index]);
    open.push({ here, redis, server, stop: startWorker(here, { redis, patient: redis }, tasks) });
  }
  return {
    urls: addresses,
    close: async () => {
      for (const { here, redis, server, stop } of open) {
        here.halt.abort();
        await stop();
        server.closeAllConnections();
        server.close();
        redis.destroy();
        await here.close();
      }
    },
  };
}
