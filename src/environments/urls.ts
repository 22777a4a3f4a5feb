// Where people reach the servers of the environments.
import type { EnvironmentName } from './rules.ts';

/** `staging=https://…,preprod=https://…` */
export function environmentUrls(list: string): Partial<Record<EnvironmentName, string>> {
  const pairs = list.split(',').map((pair) => pair.trim().split('=', 2));
  return Object.fromEntries(
    pairs.flatMap(([key, url]) => (key && url ? [[key, url.replace(/\/$/, '')]] : [])),
  );
}

/** What never leaves the machine. */
export const isLoopback = ({ hostname }: URL): boolean =>
  ['localhost', '127.0.0.1', '[::1]'].includes(hostname) || hostname.endsWith('.localhost');

/** Cookies are Secure unless the setting or a server's own address, http on the same machine, says otherwise. */
export function isSecureCookie(setting: string, ownUrl: string | undefined): boolean {
  if (setting !== '') return setting === 'true';
  const url = URL.parse(ownUrl ?? '');
  return !(url?.protocol === 'http:' && isLoopback(url));
}
