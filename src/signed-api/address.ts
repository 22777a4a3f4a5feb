// The public address of this server, which the signatures of requests to the signed API cover. The server reads it from
// the settings, because behind a proxy the Host header names another host or port than the client called.
import type { Request } from 'express';
import { ApiRefusal } from './refusal.ts';

/**
 * Returns the origin of this server from ENVIRONMENT_URLS, or from the Host header if that setting
 * does not name this environment.
 */
export function ownOrigin({ house, protocol, headers }: Request): URL {
  const own = house.settings.urls[house.name] ?? `${protocol}://${headers.host ?? ''}`;
  const url = URL.parse(own);
  if (!url?.host) throw new ApiRefusal(400, 'malformed', 'The Host header is missing or wrong.');
  return url;
}

/**
 * Returns host and port as a client signs them: an IPv6 address without brackets, and the default
 * port 80 or 443 if the URL names none.
 */
export const signedHost = ({ hostname, port, protocol }: URL) => ({
  host: hostname.replace(/^\[(.*)\]$/, '$1'),
  port: Number(port) || (protocol === 'https:' ? 443 : 80),
});
