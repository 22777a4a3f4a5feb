// Which addresses a source may have: a source must not make this server call its own network.
import { lookup as dnsLookup, type LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { FetchFailure } from './failure.ts';

type Network = [address: string, prefix: number];

/** Networks that are never public: https://www.iana.org/assignments/iana-ipv4-special-registry. */
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
/** Parts of 2000::/3 that are not public; some carry an IPv4 address. What is outside of 2000::/3 never is. */
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
/** Networks that are refused even where sources may be local: clouds keep a machine’s credentials at a link-local address. */
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

/** Whether a source may have this IP address. */
export function isAllowedAddress(ip: string, { mayBeLocal }: { mayBeLocal: boolean }): boolean {
  const family = isIP(ip);
  // The zone of a link-local address is no part of a public one.
  if (family === 0 || ip.includes('%')) return false;
  const type = family === 6 ? 'ipv6' : 'ipv4';
  if (neverAllowed.check(ip, type)) return false;
  if (mayBeLocal) return true;
  if (notPublic.check(ip, type)) return false;
  return family === 4 || publicIpv6.check(ip, type);
}

/** How names are resolved. Tests put their own function here. */
export const resolver: {
  lookup: (
    hostname: string,
    options: { all: true },
    answer: (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => void,
  ) => void;
} = { lookup: dnsLookup };

/**
 * Returns the function by which a connection resolves its host: it checks the very addresses that are then connected
 * to, so that a name which resolves differently the second time gains nothing.
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

/** The hosts that the files of a source may come from: its own one first, each as `name` or `name:port`. */
export const hostsOf = ({ url, hosts }: { url: string; hosts: string }): string[] => [
  hostOf(new URL(url)),
  ...hosts.split(' ').filter(Boolean),
];

/** The host of an address, with its port unless that is the usual one. */
export const hostOf = ({ hostname, port }: URL): string =>
  `${hostname.replace(/\.$/, '')}${port === '' ? '' : `:${port}`}`;

/**
 * Checks that an address is one that the source may lead to. Names are checked when they are connected to.
 * @throws FetchFailure when it is not
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
  // The host of a literal address is not resolved, so that its connection would not be checked.
  const literal = literalOf(url);
  if (literal && !isAllowedAddress(literal, rules)) throw refused(url.hostname);
}

/** The IP address that an address names instead of a host; null when it names a host. */
export function literalOf({ hostname }: URL): string | null {
  const literal = hostname.replace(/^\[|\]$/g, '');
  return isIP(literal) === 0 ? null : literal;
}

/** An address without its query, which may hold a key. */
export const shown = ({ protocol, host, pathname }: URL): string =>
  `${protocol}//${host}${pathname}`.slice(0, 300);
