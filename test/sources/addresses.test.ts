// A source cannot make the server call its own network, whatever its index, its redirects and its names lead to.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
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

/** Resolves every name to these addresses; returns the names that were asked for. */
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

/** The reason for which an address is refused; null when it is fetched. */
const refusal = async (settings: SourceSettings, source: Asked, url = source.url) =>
  client(settings, source)
    .text(url)
    .then(
      () => null,
      (error: unknown) => (error instanceof FetchFailure ? error.reason : error),
    );

const port = () => new URL(publisher.url).port;

describe('addresses of this machine and of private networks are refused in every form', () => {
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
  ])('%s', async (host) => {
    const url = `http://${host}:${port()}/cities.json`;
    expect(await refusal(strict, { url })).toBe('address');
    expect(publisher.requests).toEqual([]);
  });

  test.each(['localhost', 'LOCALHOST', 'localhost.', 'any.localhost'])(
    'the name %s',
    async (host) => {
      expect(await refusal(strict, { url: `http://${host}:${port()}/cities.json` })).toMatch(
        /^(address|unreachable)$/,
      );
      expect(publisher.requests).toEqual([]);
    },
  );

  test('public addresses are allowed', () => {
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

  test('where sources may be local, this machine and private networks are open, but not the link-local addresses of clouds', () => {
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

describe('names are checked when they are connected to', () => {
  test.each([
    [['127.0.0.1']],
    [['10.0.0.1']],
    [['::1']],
    [['::ffff:127.0.0.1']],
    [['8.8.8.8', '127.0.0.1']],
    [['2606:4700::1111', 'fd00::1']],
    [[]],
  ])('a name that resolves to %s is refused', async (addresses) => {
    resolveTo(...addresses);
    expect(await refusal(strict, { url: `http://statistics.example:${port()}/cities.json` })).toBe(
      'address',
    );
    expect(publisher.requests).toEqual([]);
  });

  test('a name that resolves to another address the second time gains nothing: each connection checks the address that it uses', async () => {
    const asked = resolveTo('127.0.0.1');
    const source = { url: `http://rebinding.example:${port()}/cities.json` };
    expect(await refusal(local, source)).toBeNull();
    expect(asked).toEqual(['rebinding.example']);
    expect(await refusal(strict, source)).toBe('address');
    expect(asked).toEqual(['rebinding.example', 'rebinding.example']);
    expect(publisher.requests).toHaveLength(1);
  });

  test('a name that does not exist is reported as a server that cannot be reached', async () => {
    resolver.lookup = (_name, _options, answer) => {
      answer(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }), []);
    };
    expect(await refusal(strict, { url: 'https://nowhere.example/' })).toBe('unreachable');
  });
});

describe('hosts and redirects', () => {
  const own = () => `http://own.example:${port()}`;
  const other = () => `http://files.example:${port()}`;
  beforeEach(() => {
    resolveTo('127.0.0.1');
  });
  const redirect = (to: string, path = '/cities.json') =>
    publisher.faults.set(path, { name: 'redirect', to });

  test('files come from the own host of a source and from those that are listed with it', async () => {
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
  ])('a redirect to %s is refused', async (to, reason) => {
    redirect(to);
    expect(await refusal(local, { url: `${own()}/cities.json` })).toBe(reason);
    expect(publisher.requests).toHaveLength(1);
  });

  test('a redirect to a listed host whose name leads into the own network is refused', async () => {
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

  test('redirects on the own host are followed, but not for ever', async () => {
    redirect('/elsewhere.json');
    publisher.files.set('/elsewhere.json', { content: Buffer.from('[]') });
    expect(await refusal(local, { url: `${own()}/cities.json` })).toBeNull();
    redirect('/cities.json', '/elsewhere.json');
    expect(await refusal(local, { url: `${own()}/cities.json` })).toBe('redirect');
    expect(publisher.requests.length).toBeLessThan(10);
  });

  test('a credential is sent to the own host of its source only, never to another host after a redirect', async () => {
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

  test('a credential whose setting is missing is named, and nothing is asked', async () => {
    expect(() => client(local, { url: own(), credential: 'GONE' })).toThrow(
      'SOURCE_CREDENTIAL_GONE',
    );
  });
});
