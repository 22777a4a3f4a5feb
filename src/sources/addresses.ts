// Checks the URLs and IP addresses of data sources (publishers of data files). Without these checks, a data source
// could make this server send requests into its own private network.
import { lookup as dnsLookup, type LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { FetchFailure } from './failure.ts';

type Network = [address: string, prefix: number];

/**
 * IPv4 networks that are not public, from
 * https://www.iana.org/assignments/iana-ipv4-special-registry.
 */
const privateIpv4: Network[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
];
/**
 * IPv6 networks that are not public although they lie within 2000::/3, the range of public
 * addresses. Some of them contain an IPv4 address, which may be private.
 */
const specialIpv6: Network[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['2620:4f:8000::', 48],
  ['3fff::', 20],
];

const blockList = (ipv4: Network[], ipv6: Network[] = []) => {
  const list = new BlockList();
  for (const [address, prefix] of ipv4) list.addSubnet(address, prefix, 'ipv4');
  for (const [address, prefix] of ipv6) list.addSubnet(address, prefix, 'ipv6');
  return list;
};

const notPublic = blockList(privateIpv4, specialIpv6);
const publicIpv6 = blockList([], [['2000::', 3]]);
/**
 * Networks that a data source may never use, even if the setting SOURCES_MAY_BE_LOCAL allows private networks. They
 * include the link-local addresses at which clouds publish a machine’s credentials.
 */
const neverAllowed = blockList(
  [
    ['169.254.0.0', 16],
    ['100.100.100.200', 32],
    ['224.0.0.0', 3],
  ],
  [
    ['fe80::', 10],
    ['ff00::', 8],
    ['fd00:ec2::254', 128],
    ['64:ff9b::', 96],
    ['2002::', 16],
  ],
);

/**
 * Whether a data source may use this IP address. `mayBeLocal` also allows this machine and private networks.
 */
export function isAllowedAddress(ip: string, { mayBeLocal }: { mayBeLocal: boolean }): boolean {
  const family = isIP(ip);
  // An address with a zone, such as `fe80::1%eth0`, is link-local and never public.
  if (family === 0 || ip.includes('%')) return false;
  const type = family === 6 ? 'ipv6' : 'ipv4';
  if (neverAllowed.check(ip, type)) return false;
  if (mayBeLocal) return true;
  if (notPublic.check(ip, type)) return false;
  return family === 4 || publicIpv6.check(ip, type);
}

/** Resolves host names to IP addresses. Tests replace `lookup` with their own function. */
export const resolver: {
  lookup: (
    hostname: string,
    options: { all: true },
    answer: (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => void,
  ) => void;
} = { lookup: dnsLookup };

/**
 * Returns the function with which a connection resolves its host name. The function checks exactly
 * the IP addresses that the connection then uses. So a host name that resolves to a private address
 * only at the second lookup (DNS rebinding) is refused, too.
 */
export const checkedLookup =
  (rules: { mayBeLocal: boolean }): LookupFunction =>
  (hostname, options, answer) => {
    resolver.lookup(hostname, { ...options, all: true }, (error, found) => {
      const wrong = (found ?? []).find(({ address }) => !isAllowedAddress(address, rules));
      const [first] = found ?? [];
      if (error) answer(error, '', 0);
      else if (wrong || !first) answer(refused(hostname), '', 0);
      else if (options.all) answer(null, found);
      else answer(null, first.address, first.family);
    });
  };

const refused = (host: string) =>
  new FetchFailure(
    'address',
    `${host} is an address of this machine or of a private network, and no source may lead there.`,
  );

/**
 * Returns the hosts from which a data source may fetch files, each as `name` or `name:port`: first the host of the
 * source’s URL, then the hosts that the source lists.
 */
export const hostsOf = ({ url, hosts }: { url: string; hosts: string }): string[] => [
  hostOf(new URL(url)),
  ...hosts.split(' ').filter(Boolean),
];

/**
 * Returns the host of a URL. The port is included unless it is the default port of http or https.
 */
export const hostOf = ({ hostname, port }: URL): string =>
  `${hostname.replace(/\.$/, '')}${port === '' ? '' : `:${port}`}`;

/**
 * Refuses a URL that a data source may not use: another scheme than http and https, a password in the URL, a host that
 * the source does not list, or a private IP address. The IP addresses of a host name are checked later, by
 * `checkedLookup`, when the connection is opened.
 * @throws FetchFailure when the URL is refused
 */
export function refuseForeign(url: URL, hosts: string[], rules: { mayBeLocal: boolean }) {
  if (!/^https?:$/.test(url.protocol)) {
    throw new FetchFailure('redirect', `${shown(url)} is no web address: http and https only.`);
  }
  if (url.username || url.password) {
    throw new FetchFailure(
      'host',
      `${shown(url)} holds a user name or password, which no address may.`,
    );
  }
  if (!hosts.includes(hostOf(url))) {
    throw new FetchFailure(
      'host',
      `${shown(url)} is on ${hostOf(url)}, which is not a host of this source. If it belongs to the publisher, an administrator adds it to the hosts of the source.`,
    );
  }
  // Checks an IP address in the URL here, because Node does not call `checkedLookup` when there is
  // no host name to resolve.
  const literal = literalOf(url);
  if (literal && !isAllowedAddress(literal, rules)) throw refused(url.hostname);
}

/** Returns the IP address in a URL; null if the URL contains a host name instead. */
export function literalOf({ hostname }: URL): string | null {
  const literal = hostname.replace(/^\[|\]$/g, '');
  return isIP(literal) === 0 ? null : literal;
}

/** Formats a URL for messages, without its query, because a query may contain a secret key. */
export const shown = ({ protocol, host, pathname }: URL): string =>
  `${protocol}//${host}${pathname}`.slice(0, 300);
