// The address at which clients reach this server. They sign it, so it comes from the settings: behind a proxy the Host
// header names another host or port.
import type { Request } from 'express';
import { ApiRefusal } from './refusal.ts';

/** The origin of this server, from ENVIRONMENT_URLS; where that does not name it, from the Host header. */
export function ownOrigin({ house, protocol, headers }: Request): URL {
  const own = house.settings.urls[house.name] ?? `${protocol}://${headers.host ?? ''}`;
  const url = URL.parse(own);
  if (!url?.host) throw new ApiRefusal(400, 'malformed', 'The Host header is missing or wrong.');
  return url;
}

/** Host and port as a client signs them: IPv6 addresses without brackets, the usual port as a number. */
export const signedHost = ({ hostname, port, protocol }: URL) => ({
  host: hostname.replace(/^\[(.*)\]$/, '$1'),
  port: Number(port) || (protocol === 'https:' ? 443 : 80),
});
