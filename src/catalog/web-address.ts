/** An address of the web that a person can follow: http or https, with a host and without a user. */
export function isWebAddress(text: string): boolean {
  // URL.parse alone is too kind: it takes https:example.com and https:///example.com.
  if (!/^https?:\/\/[^\s/\\]+\S*$/i.test(text)) return false;
  const url = URL.parse(text);
  return url !== null && isHost(url.hostname) && !hasUser(text);
}

const isHost = (host: string) => /^\[.+\]$|^[^.]+(\.[^.]+)*\.?$/.test(host);

/** An empty user (`https://@example.com`) is gone once the address is parsed. */
const hasUser = (text: string) => /^https?:\/\/[^/\\?#]*@/i.test(text);
