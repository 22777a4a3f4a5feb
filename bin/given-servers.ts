// Reads which running database servers the demo or the tests use instead of starting their own.
import { CannotStart } from './programs.ts';
import type { Addresses } from './servers.ts';

/**
 * Returns the URLs in `DEMO_MYSQL_URL`, `DEMO_MONGO_URL` and `DEMO_REDIS_URL`, or in the same
 * variables with the prefix `TEST_`. A server without a URL is left out.
 */
export function givenServers(prefix: 'DEMO' | 'TEST'): Partial<Addresses> {
  const given: Partial<Addresses> = {};
  for (const part of ['mysql', 'mongo', 'redis'] as const) {
    const name = `${prefix}_${part.toUpperCase()}_URL`;
    const text = process.env[name];
    if (text && !URL.canParse(text)) throw new CannotStart(`${name} is not an address: ${text}`);
    if (text) given[part] = new URL(text);
  }
  return given;
}
