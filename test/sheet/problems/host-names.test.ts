// The transfer sheet reports a text that contains the address of an environment, in any spelling.
import { expect, test } from 'vitest';
import type { Content } from '../../../src/catalog/entity.ts';
import type { Facts } from '../../../src/sheet/facts.ts';
import { factsOf, planOf } from '../../support/facts.ts';

const own = { hostHere: 'localhost:4201' };
const https = { hostHere: 'staging.example.com' };
const umlaut = { hostHere: 'xn--bro-hoa.example' };
const others = {
  ...own,
  otherHosts: { preprod: 'pre.example.com', production: 'example.com:8443' },
};

const problemsOf = (content: Content, more: Partial<Facts>, entity = 'form') =>
  planOf(factsOf({ [`${entity}:1`]: { here: content, base: null } }, more))
    .problems.filter(({ reason }) => reason === 'host-name')
    .map(({ message }) => message);

test.each([
  ['written in capitals', 'http://LOCALHOST:4201/a', own],
  ['with percent-encoded letters', 'http://%6Cocal%68ost:4201/a', own],
  ['with a percent-encoded colon before the port', 'http://localhost%3A4201/a', own],
  [
    'inside the query of another address',
    'https://x.example/?to=http%253A%252F%252FLocalhost%253A4201',
    own,
  ],
  ['written as an IPv4 address', 'http://127.0.0.1:4201/', own],
  ['written as an IPv6 address', 'http://[::1]:4201/', own],
  ['with a user name and a password', 'http://a:b@localhost:4201/', own],
  ['with backslashes', 'http:\\\\localhost:4201\\a', own],
  ['in full-width letters', 'http://ｌｏｃａｌｈｏｓｔ:4201/', own],
  ['with an invisible character', 'http://local\u00ADho\u200Bst:4201/', own],
  ['with the default port', 'https://staging.example.com:443/', https],
  ['with a dot at the end', 'https://staging.example.com./', https],
  ['without a protocol', 'see staging.example.com.', https],
  ['with an ideographic dot', 'https://staging。example。com/', https],
  ['directly beside Chinese text', '见staging.example.com。谢谢', https],
  ['with a subdomain', 'https://cdn.Staging.example.com/', https],
  ['in letters outside ASCII', 'https://BÜRO.example/x', umlaut],
  ['in letters outside ASCII, in decomposed form', 'https://bu\u0308ro.example/x', umlaut],
  ['in Punycode', 'https://XN--BRO-HOA.example/x', umlaut],
  ['in percent-encoded letters outside ASCII', 'https://b%C3%BCro.example/x', umlaut],
  ['that is a single word', 'http://OneWay/x', { hostHere: 'oneway' }],
  ['written as one decimal number', 'http://2130706433:4201/', own],
  ['such as that of pre-production', 'https://PRE.example.com/x', others],
  ['such as that of production', 'https://example.com:8443/x', others],
])(
  'the transfer sheet reports a text that contains an environment’s address %s (F19)',
  (_spelling, description, more) => {
    expect(problemsOf({ description }, more)).toHaveLength(1);
  },
);

test('the transfer sheet reports the address of an environment in a list field, such as the options of a form field (F19)', () => {
  const options = ['Yes', 'see http://LocalHost:4201/x'];
  const field = { form: 1, label: 'Which?', type: 'choice', options };
  expect(problemsOf(field, own, 'form_field')).toEqual([expect.stringContaining('Options')]);
});

test('the problem about an address in a text names the environment that has this address (F19)', () => {
  expect(problemsOf({ description: 'pre.example.com' }, others)).toEqual([
    expect.stringContaining('the address of pre-production (pre.example.com)'),
  ]);
});

test.each([
  ['the same host but another port', 'http://localhost:42010/', own],
  ['a host whose name ends the same', 'https://mystaging.example.com/', https],
  ['a host whose name begins the same', 'https://staging.example.com.org/', https],
  ['an invalid percent-encoding', '100% staging %zz %E0%A4%A', https],
  ['words that are no address', 'Staging. Example. Com', https],
])(
  'the transfer sheet does not report a text with %s as the address of an environment (F19)',
  (_what, description, more) => {
    expect(problemsOf({ description }, more)).toEqual([]);
  },
);
