// The URLs at which people reach each environment.
import type { EnvironmentName } from './rules.ts';

/** Parses the setting ENVIRONMENT_URLS: `staging=https://…,preprod=https://…` */
export function environmentUrls(list: string): Partial<Record<EnvironmentName, string>> {
  const pairs = list.split(',').map((pair) => pair.trim().split('=', 2));
  return Object.fromEntries(
    pairs.flatMap(([key, url]) => (key && url ? [[key, url.replace(/\/$/, '')]] : [])),
  );
}

/** Whether a URL points to this machine, so that requests never leave it. */
export const isLoopback = ({ hostname }: URL): boolean =>
  ['localhost', '127.0.0.1', '[::1]'].includes(hostname) || hostname.endsWith('.localhost');

/**
 * Whether cookies have the attribute Secure. If the setting is empty, cookies have it, except when the server’s own URL
 * is http on this machine.
 */
export function isSecureCookie(setting: string, ownUrl: string | undefined): boolean {
  if (setting !== '') return setting === 'true';
  const url = URL.parse(ownUrl ?? '');
  return !(url?.protocol === 'http:' && isLoopback(url));
}
