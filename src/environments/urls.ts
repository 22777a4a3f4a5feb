// The URLs at which people reach each environment.
import type { EnvironmentName } from './rules.ts';

/** The format of the setting: `staging=https://…,preprod=https://…` */
export function environmentUrls(list: string): Partial<Record<EnvironmentName, string>> {
  const pairs = list.split(',').map((pair) => pair.trim().split('=', 2));
  return Object.fromEntries(
    pairs.flatMap(([key, url]) => (key && url ? [[key, url.replace(/\/$/, '')]] : [])),
  );
}

/** Addresses that never leave the machine. */
export const isLoopback = ({ hostname }: URL): boolean =>
  ['localhost', '127.0.0.1', '[::1]'].includes(hostname) || hostname.endsWith('.localhost');

/** Cookies are Secure unless the setting turns that off, or a server’s own address is http on the same machine. */
export function isSecureCookie(setting: string, ownUrl: string | undefined): boolean {
  if (setting !== '') return setting === 'true';
  const url = URL.parse(ownUrl ?? '');
  return !(url?.protocol === 'http:' && isLoopback(url));
}
