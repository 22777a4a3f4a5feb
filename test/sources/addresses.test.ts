// Tests that a data source cannot make this server send requests into its private network, not with its URL, not with
// redirects, and not with host names that resolve to private addresses.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LookupAddress } from 'node:dns';
import { isAllowedAddress, resolver } from '../../src/sources/addresses.ts';
import { FetchFailure } from '../../src/sources/failure.ts';
import { openHttp } from '../../src/sources/http.ts';
import type { SourceSettings } from '../../src/sources/settings.ts';
import { usePublisher } from '../support/sources.ts';

const publisher = usePublisher();
const { lookup } = resolver;
afterEach(() => {
  resolver.lookup = lookup;
});

/**
 * Makes every host name resolve to these IP addresses. Returns an array to which each looked-up
 * host name is added.
 */
function resolveTo(...addresses: string[]): string[] {
  const asked: string[] = [];
  const found: LookupAddress[] = addresses.map((address) => ({
    address,
    family: address.includes(':') ? 6 : 4,
  }));
  resolver.lookup = (name, _options, answer) => {
    asked.push(name);
    process.nextTick(() => answer(null, found));
  };
  return asked;
}

const strict: SourceSettings = {
  cron: '0 2 * * *',
  mayBeLocal: false,
  credentials: { OFFICE: 'Bearer of the office' },
};
const local: SourceSettings = { ...strict, mayBeLocal: true };

type Asked = { url: string; hosts?: string; credential?: string | null };
const client = (settings: SourceSettings, { url, hosts = '', credential = null }: Asked) =>
  openHttp(settings, { url, hosts, credential }, new AbortController().signal);

/**
 * Requests a URL for a data source. Returns the reason of the refusal, or null if the URL was fetched.
 */
const refusal = async (settings: SourceSettings, source: Asked, url = source.url) =>
  client(settings, source)
    .text(url)
    .then(
      () => null,
      (error: unknown) => (error instanceof FetchFailure ? error.reason : error),
    );

const port = () => new URL(publisher.url).port;

describe('which IP addresses a source of data files may use', () => {
  test.each([
    '127.0.0.1',
    '127.255.255.254',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0x7f.1',
    '0177.0.0.1',
    '017700000001',
    '１２７.０.０.１',
    '0.0.0.0',
    '0',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '2852039166',
    '100.64.0.1',
    '100.100.100.200',
    '192.0.0.192',
    '192.0.2.1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '[::1]',
    '[::]',
    '[0:0:0:0:0:0:0:1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::ffff:8.8.8.8]',
    '[::127.0.0.1]',
    '[fe80::1]',
    '[fec0::1]',
    '[fc00::1]',
    '[fd00:ec2::254]',
    '[ff02::1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '[2001:0:7f00:1::]',
    '[2001:db8::1]',
    '[3fff::1]',
  ])(
    'a data source at the private or reserved address %s is refused, and no request is sent',
    async (host) => {
      const url = `http://${host}:${port()}/cities.json`;
      expect(await refusal(strict, { url })).toBe('address');
      expect(publisher.requests).toEqual([]);
    },
  );

  test.each(['localhost', 'LOCALHOST', 'localhost.', 'any.localhost'])(
    'a data source with the host name %s, which means this machine, is refused, and no request is sent',
    async (host) => {
      expect(await refusal(strict, { url: `http://${host}:${port()}/cities.json` })).toMatch(
        /^(address|unreachable)$/,
      );
      expect(publisher.requests).toEqual([]);
    },
  );

  test('a data source may use public IP addresses; a text such as “1.2.3” or “localhost” does not count as a public IP address', () => {
    const open = [
      '8.8.8.8',
      '93.184.216.34',
      '172.32.0.1',
      '192.169.0.1',
      '2606:4700::1111',
      '2a00::1',
    ];
    expect(open.filter((ip) => !isAllowedAddress(ip, strict))).toEqual([]);
    expect(
      ['', 'localhost', '1.2.3', 'fe80::1%eth0'].filter((ip) => isAllowedAddress(ip, local)),
    ).toEqual([]);
  });

  test('the setting SOURCES_MAY_BE_LOCAL lets data sources use this machine and private networks, but not link-local cloud addresses', () => {
    expect(
      ['127.0.0.1', '::1', '10.0.0.1', 'fd12::1'].filter((ip) => !isAllowedAddress(ip, local)),
    ).toEqual([]);
    const closed = [
      '169.254.169.254',
      '::ffff:169.254.169.254',
      'fe80::1',
      'fd00:ec2::254',
      '100.100.100.200',
      '224.0.0.1',
      '64:ff9b::a9fe:a9fe',
    ];
    expect(closed.filter((ip) => isAllowedAddress(ip, local))).toEqual([]);
  });
});

describe('checks of the host names of a source of data files', () => {
  test.each([
    [['127.0.0.1']],
    [['10.0.0.1']],
    [['::1']],
    [['::ffff:127.0.0.1']],
    [['8.8.8.8', '127.0.0.1']],
    [['2606:4700::1111', 'fd00::1']],
    [[]],
  ])(
    'a data source whose host name resolves to %s is refused, and no request is sent',
    async (addresses) => {
      resolveTo(...addresses);
      expect(
        await refusal(strict, { url: `http://statistics.example:${port()}/cities.json` }),
      ).toBe('address');
      expect(publisher.requests).toEqual([]);
    },
  );

  test('each connection to a data source resolves its host name again and checks the address, so that DNS rebinding is refused', async () => {
    const asked = resolveTo('127.0.0.1');
    const source = { url: `http://rebinding.example:${port()}/cities.json` };
    expect(await refusal(local, source)).toBeNull();
    expect(asked).toEqual(['rebinding.example']);
    expect(await refusal(strict, source)).toBe('address');
    expect(asked).toEqual(['rebinding.example', 'rebinding.example']);
    expect(publisher.requests).toHaveLength(1);
  });

  test('a data source whose host name does not exist fails as unreachable', async () => {
    resolver.lookup = (_name, _options, answer) => {
      answer(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }), []);
    };
    expect(await refusal(strict, { url: 'https://nowhere.example/' })).toBe('unreachable');
  });
});

describe('which hosts a source of data files may use, also after a redirect', () => {
  const own = () => `http://own.example:${port()}`;
  const other = () => `http://files.example:${port()}`;
  beforeEach(() => {
    resolveTo('127.0.0.1');
  });
  const redirect = (to: string, path = '/cities.json') =>
    publisher.faults.set(path, { name: 'redirect', to });

  test('a data source may fetch files only from the host of its URL and from the hosts that it lists', async () => {
    const source = { url: `${own()}/cities.json` };
    expect(await refusal(local, source, `${own()}/rainfall/`)).toBeNull();
    expect(await refusal(local, source, `${other()}/rainfall/`)).toBe('host');
    const listed = { ...source, hosts: `files.example:${port()}` };
    expect(await refusal(local, listed, `${other()}/rainfall/`)).toBeNull();
    expect(
      await refusal(local, { ...source, hosts: 'files.example' }, `${other()}/rainfall/`),
    ).toBe('host');
  });

  test.each([
    ['ftp://own.example/cities.csv', 'redirect'],
    ['file:///etc/passwd', 'redirect'],
    ['gopher://own.example/', 'redirect'],
    ['data:text/csv,a', 'redirect'],
    ['http://files.example/', 'host'],
    ['http://own.example.evil.example/', 'host'],
    ['http://own.example:1/', 'host'],
    ['//evil.example/', 'host'],
    ['http://me:secret@own.example/', 'host'],
    ['http://169.254.169.254/latest/meta-data', 'host'],
    ['http://[::1', 'redirect'],
  ])('a data source that redirects to %s is refused', async (to, reason) => {
    redirect(to);
    expect(await refusal(local, { url: `${own()}/cities.json` })).toBe(reason);
    expect(publisher.requests).toHaveLength(1);
  });

  test('a data source that redirects to a listed host is refused when the name of that host resolves to a forbidden address', async () => {
    redirect(`${other()}/rainfall/`);
    const source = { url: `${own()}/cities.json`, hosts: `files.example:${port()}` };
    resolver.lookup = (name, _options, answer) => {
      answer(null, [
        { address: name === 'own.example' ? '127.0.0.1' : '169.254.169.254', family: 4 },
      ]);
    };
    expect(await refusal(local, source)).toBe('address');
    expect(publisher.requests).toHaveLength(1);
  });

  test('a data source may redirect within its own host, but an endless loop of redirects is refused', async () => {
    redirect('/elsewhere.json');
    publisher.files.set('/elsewhere.json', { content: Buffer.from('[]') });
    expect(await refusal(local, { url: `${own()}/cities.json` })).toBeNull();
    redirect('/cities.json', '/elsewhere.json');
    expect(await refusal(local, { url: `${own()}/cities.json` })).toBe('redirect');
    expect(publisher.requests.length).toBeLessThan(10);
  });

  test('the credential of a data source is sent only to the host of the source’s URL, not to another host after a redirect', async () => {
    const source = {
      url: `${own()}/cities.json`,
      hosts: `files.example:${port()}`,
      credential: 'OFFICE',
    };
    redirect(`${other()}/rainfall/`);
    expect(await refusal(local, source)).toBeNull();
    expect(publisher.requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer of the office',
      undefined,
    ]);
  });

  test('a data source whose credential is missing in the settings is refused with the name of the setting, before any request', async () => {
    expect(() => client(local, { url: own(), credential: 'GONE' })).toThrow(
      'SOURCE_CREDENTIAL_GONE',
    );
  });
});
