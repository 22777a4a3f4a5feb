// Starts a real OpenID provider (for single sign-on) on a free port, with an account for each role.
import { freePort } from '../../bin/programs.ts';
import {
  clientsFor,
  settingsFor,
  startProvider,
  type ProviderAccount,
} from '../../demo/provider.ts';
import { cast, password } from './people.ts';
import type { EnvironmentOf } from './world.ts';

export type TestProvider = {
  issuer: string;
  /** The single sign-on settings of each environment’s server. */
  settings: EnvironmentOf<Record<string, string>>;
  /** The accounts at the test provider, which tests may add and change. */
  accounts: ProviderAccount[];
  close(): void;
};

export async function openProvider(
  urls: EnvironmentOf<string>,
  at?: number,
  /**
   * Gets the port at which the provider listens, and returns the port that clients use instead, such as the port of a
   * proxy.
   */
  known?: (port: number) => Promise<number>,
): Promise<TestProvider> {
  const listening = at ?? (await freePort());
  const port = known ? await known(listening) : listening;
  const issuer = `http://localhost:${port}`;
  const accounts = Object.keys(cast).map((name) => account(name));
  const clients = clientsFor(urls);
  const server = await startProvider({ port: listening, issuer, accounts, clients });
  const of = (name: keyof typeof urls) => {
    const client = clients.find(({ id }) => id === `oneway-${name}`);
    return client ? settingsFor(port, client) : {};
  };
  return {
    issuer,
    settings: { staging: of('staging'), preprod: of('preprod'), production: of('production') },
    accounts,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

export const account = (name: string, claims: Record<string, unknown> = {}): ProviderAccount => ({
  email: `${name}@example.com`,
  name,
  password,
  claims,
});
