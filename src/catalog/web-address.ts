/** Checks web addresses that people can follow: http or https, with a host and without a user. */
export function isWebAddress(text: string): boolean {
  // URL.parse alone is too lenient: it accepts https:example.com and https:///example.com.
  if (!/^https?:\/\/[^\s/\\]+\S*$/i.test(text)) return false;
  const url = URL.parse(text);
  return url !== null && isHost(url.hostname) && !hasUser(text);
}

const isHost = (host: string) => /^\[.+\]$|^[^.]+(\.[^.]+)*\.?$/.test(host);

/** An empty user (`https://@example.com`) disappears when the URL is parsed, so the text is checked. */
const hasUser = (text: string) => /^https?:\/\/[^/\\?#]*@/i.test(text);
