// The three environments listening on ports of their own, with people, for journeys in a browser.
import type { Server } from 'node:http';
import { freePort } from '../../bin/servers.ts';
import { createApp } from '../../src/app.ts';
import { openHere, openRedis, type Here, type Redis } from '../../src/environments/here.ts';
import { cast, hire } from './people.ts';
import { settingsOf, type EnvironmentOf, type World } from './world.ts';

export type Listening = { urls: EnvironmentOf<string>; close(): Promise<void> };

export async function listen(world: World): Promise<Listening> {
  const names = ['staging', 'preprod', 'production'] as const;
  const ports = await Promise.all(names.map(() => freePort()));
  const urls = names.map((name, index) => `${name}=http://localhost:${ports[index]}`).join(',');
  const open: { here: Here; redis: Redis; server: Server }[] = [];
  for (const [index, name] of names.entries()) {
    const here = openHere(settingsOf(world.variables[name], { ENVIRONMENT_URLS: urls }));
    for (const role of Object.keys(cast)) await hire(here, role);
    const redis = await openRedis(here);
    const server = createApp(here, redis).listen(ports[index]);
    open.push({ here, redis, server });
  }
  const [staging, preprod, production] = ports.map((port) => `http://localhost:${port}`);
  return {
    urls: { staging: staging ?? '', preprod: preprod ?? '', production: production ?? '' },
    close: async () => {
      for (const { here, redis, server } of open) {
        server.closeAllConnections();
        server.close();
        redis.destroy();
        await here.close();
      }
    },
  };
}
