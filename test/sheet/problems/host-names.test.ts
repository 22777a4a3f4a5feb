// Texts to transfer that contain the address of an environment are a problem of the sheet.
import { expect, test } from '@jest/globals';
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
  ['in capitals', 'http://LOCALHOST:4201/a', own],
  ['in percent signs', 'http://%6Cocal%68ost:4201/a', own],
  ['with its port in percent signs', 'http://localhost%3A4201/a', own],
  ['in another address', 'https://x.example/?to=http%253A%252F%252FLocalhost%253A4201', own],
  ['as a number', 'http://127.0.0.1:4201/', own],
  ['as a number of IPv6', 'http://[::1]:4201/', own],
  ['with a user', 'http://a:b@localhost:4201/', own],
  ['with backslashes', 'http:\\\\localhost:4201\\a', own],
  ['in wide letters', 'http://ｌｏｃａｌｈｏｓｔ:4201/', own],
  ['with an invisible character', 'http://local\u00ADho\u200Bst:4201/', own],
  ['with the usual port', 'https://staging.example.com:443/', https],
  ['with a last dot', 'https://staging.example.com./', https],
  ['without https', 'see staging.example.com.', https],
  ['with an ideographic dot', 'https://staging。example。com/', https],
  ['before another script', '见staging.example.com。谢谢', https],
  ['below it', 'https://cdn.Staging.example.com/', https],
  ['in its own script', 'https://BÜRO.example/x', umlaut],
  ['in its own script, decomposed', 'https://bu\u0308ro.example/x', umlaut],
  ['in Punycode', 'https://XN--BRO-HOA.example/x', umlaut],
  ['in its own script and in percent signs', 'https://b%C3%BCro.example/x', umlaut],
  ['that is one word', 'http://OneWay/x', { hostHere: 'oneway' }],
  ['as one number', 'http://2130706433:4201/', own],
  ['of pre-production', 'https://PRE.example.com/x', others],
  ['of production', 'https://example.com:8443/x', others],
])(
  'a text with the address of an environment, written %s, is reported on the transfer sheet (F19)',
  (_spelling, description, more) => {
    expect(problemsOf({ description }, more)).toHaveLength(1);
  },
);

test('the address of an environment within a list field is reported on the transfer sheet (F19)', () => {
  const options = ['Yes', 'see http://LocalHost:4201/x'];
  const field = { form: 1, label: 'Which?', type: 'choice', options };
  expect(problemsOf(field, own, 'form_field')).toEqual([expect.stringContaining('Options')]);
});

test('the problem of an environment’s address in a text names the environment (F19)', () => {
  expect(problemsOf({ description: 'pre.example.com' }, others)).toEqual([
    expect.stringContaining('the address of pre-production (pre.example.com)'),
  ]);
});

test.each([
  ['another port', 'http://localhost:42010/', own],
  ['a longer name', 'https://mystaging.example.com/', https],
  ['a name that goes on', 'https://staging.example.com.org/', https],
  ['a broken percent sign', '100% staging %zz %E0%A4%A', https],
  ['no address', 'Staging. Example. Com', https],
])(
  'a text with %s is not mistaken for the address of an environment (F19)',
  (_what, description, more) => {
    expect(problemsOf({ description }, more)).toEqual([]);
  },
);
