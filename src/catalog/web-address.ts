/** Whether a text is a web address that people can follow: http or https, with a host and without a user name. */
export function isWebAddress(text: string): boolean {
  // URL.parse alone is too lenient: it accepts https:example.com and https:///example.com.
  if (!/^https?:\/\/[^\s/\\]+\S*$/i.test(text)) return false;
  const url = URL.parse(text);
  return url !== null && isHost(url.hostname) && !hasUser(text);
}

const isHost = (host: string) => /^\[.+\]$|^[^.]+(\.[^.]+)*\.?$/.test(host);

/**
 * Whether a web address has a user name. The text is checked, because a parsed URL does not show an
 * empty user name, as in `https://@example.com`.
 */
const hasUser = (text: string) => /^https?:\/\/[^/\\?#]*@/i.test(text);
