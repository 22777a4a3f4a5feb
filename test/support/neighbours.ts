// The servers of the three environments. They request data from each other over HTTP and send the token PEOPLE_TOKEN,
// which is the same on all of them.
import { createServer, type AddressInfo } from 'node:net';
import { freePort } from '../../bin/programs.ts';
import { beforeAll } from './hooks.ts';
import { openSite, type Site } from './people.ts';
import type { EnvironmentOf, World } from './world.ts';

const names = ['staging', 'preprod', 'production'] as const;
export const sharedToken = 'a token that the three servers share';

export const neighbourSettings = (urls: EnvironmentOf<string>) => ({
  ENVIRONMENT_URLS: names.map((name) => `${name}=${urls[name]}`).join(','),
  PEOPLE_TOKEN: sharedToken,
});

export type Neighbours = { sites: EnvironmentOf<Site>; urls: EnvironmentOf<string> };

/** Opens the servers of the three environments for all tests of a file. */
export function useNeighbours(world: World): Neighbours {
  let opened: Neighbours | undefined;
  beforeAll(async () => {
    opened = await openNeighbours(world);
  });
  const known = () => {
    if (!opened) throw new Error('The servers are open only inside hooks and tests.');
    return opened;
  };
  return {
    get sites() {
      return known().sites;
    },
    get urls() {
      return known().urls;
    },
  };
}

async function openNeighbours(world: World): Promise<Neighbours> {
  const ports = await Promise.all(names.map(() => freePort()));
  const [staging = '', preprod = '', production = ''] = ports.map(
    (port) => `http://localhost:${port}`,
  );
  const urls = { staging, preprod, production };
  const open = async (index: number) => {
    const site = await openSite(world, names[index] ?? 'staging', neighbourSettings(urls));
    const server = site.app.listen(ports[index]);
    world.onClose(() => (server.closeAllConnections(), server.close()));
    return site;
  };
  const sites = { staging: await open(0), preprod: await open(1), production: await open(2) };
  return { sites, urls };
}

/** Opens the site of staging with a pre-production server that accepts connections and never answers. */
export async function besideSilence(world: World, urls: EnvironmentOf<string>): Promise<Site> {
  const silent = createServer((socket) => void socket.resume()).listen(0);
  world.onClose(() => silent.close());
  const preprod = `http://localhost:${(silent.address() as AddressInfo).port}`;
  return openSite(world, 'staging', neighbourSettings({ ...urls, preprod }));
}
