// The tokens of apps: which tokens are accepted, which are refused and why, and what happens when the issuer does not
// answer.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createHmac } from 'node:crypto';
import { WrongBearer } from '../../src/access/bearer.ts';
import { openTokens, type AccountTokens } from '../../src/account-moves/tokens.ts';
import { Unavailable } from '../../src/problems.ts';
import { forged, openIssuer, type Issuer } from '../support/account-tokens.ts';

let issuer: Issuer;
let tokens: AccountTokens;
beforeAll(async () => {
  issuer = await openIssuer();
});
beforeEach(() => {
  issuer.fault = null;
  tokens = openTokens(issuer.tokens);
});
afterAll(() => issuer.close());

const now = () => Math.floor(Date.now() / 1000);

async function refusal(token: string): Promise<string> {
  try {
    return `accepted for ${await tokens.accountOf(token)}`;
  } catch (error) {
    if (error instanceof WrongBearer) return error.reason;
    throw error;
  }
}

describe('accepted tokens of apps', () => {
  test.each(['RS256', 'ES256', 'EdDSA'] as const)(
    'the token of an app that is signed with %s is accepted',
    async (alg) => {
      const token = await issuer.sign({ account_id: 'acme' }, { alg });
      expect(await tokens.accountOf(token)).toBe('acme');
    },
  );

  test('the token of an app is accepted if Oneway is one of several audiences that the token names', async () => {
    const token = await issuer.sign({ account_id: 'acme', aud: ['other', 'oneway'] });
    expect(await tokens.accountOf(token)).toBe('acme');
  });

  test('the account id in the token of an app is returned without changing its case', async () => {
    expect(await tokens.accountOf(await issuer.sign({ account_id: 'AcMe:1@x' }))).toBe('AcMe:1@x');
  });
});

describe('refused tokens of apps', () => {
  test('the token of an app without a signature is refused, whether its algorithm is “none”, “None”, “NONE” or empty', async () => {
    const claims = {
      iss: issuer.tokens.issuer,
      aud: 'oneway',
      exp: now() + 60,
      account_id: 'acme',
    };
    for (const alg of ['none', 'None', 'NONE', '']) {
      expect(await refusal(forged({ alg }, claims))).toBe('wrong-token');
      expect(await refusal(forged({ alg, kid: 'ES256-1' }, claims, 'AAAA'))).toBe('wrong-token');
    }
  });

  test('the token of an app that is signed with HS256 and the public key as the secret is refused', async () => {
    const claims = {
      iss: issuer.tokens.issuer,
      aud: 'oneway',
      exp: now() + 60,
      account_id: 'acme',
    };
    for (const alg of ['RS256', 'ES256'] as const) {
      const pem = await issuer.publicPem(alg);
      for (const secret of [pem, pem.trim()]) {
        const content = forged({ alg: 'HS256', kid: `${alg}-1` }, claims).replace(/\.$/, '');
        const mac = createHmac('sha256', secret).update(content).digest('base64url');
        expect(await refusal(`${content}.${mac}`)).toBe('wrong-token');
      }
    }
  });

  test('the token of an app with an algorithm that is not allowed is refused, even if the issuer publishes its key', async () => {
    expect(await refusal(await issuer.sign({ account_id: 'acme' }, { alg: 'PS256' }))).toBe(
      'wrong-token',
    );
  });

  test('the token of an app whose claims were changed after signing is refused', async () => {
    const [header = '', , signature = ''] = (await issuer.sign({ account_id: 'acme' })).split('.');
    const claims = Buffer.from(
      JSON.stringify({
        iss: issuer.tokens.issuer,
        aud: 'oneway',
        exp: now() + 60,
        account_id: 'other',
      }),
    ).toString('base64url');
    expect(await refusal(`${header}.${claims}.${signature}`)).toBe('wrong-token');
  });

  const claims: [what: string, claims: () => object, reason: string][] = [
    ['an expired token', () => ({ exp: now() - 60 }), 'token-expired'],
    ['a token that is not valid yet', () => ({ nbf: now() + 60 }), 'token-early'],
    ['a token that never expires', () => ({ exp: undefined }), 'wrong-claim'],
    ['a token of another issuer', () => ({ iss: 'https://evil.example.com' }), 'wrong-claim'],
    ['a token without an issuer', () => ({ iss: undefined }), 'wrong-claim'],
    ['a token for another audience', () => ({ aud: 'reports' }), 'wrong-claim'],
    ['a token without an audience', () => ({ aud: undefined }), 'wrong-claim'],
    ['a token without an account id', () => ({ account_id: undefined }), 'no-account'],
    ['a token whose account id is a number', () => ({ account_id: 12 }), 'no-account'],
    ['a token with a list of account ids', () => ({ account_id: ['acme', 'other'] }), 'no-account'],
    ['a token with an empty account id', () => ({ account_id: '' }), 'no-account'],
    ['a token whose account id contains SQL', () => ({ account_id: "x' or '1'='1" }), 'no-account'],
    ['a token whose account id has a line break', () => ({ account_id: 'acme\n' }), 'no-account'],
    ['a token whose expiry is a text', () => ({ exp: 'tomorrow' }), 'wrong-claim'],
  ];
  test.each(claims)('an app is refused if it sends %s', async (_what, own, reason) => {
    expect(await refusal(await issuer.sign({ account_id: 'acme', ...own() }))).toBe(reason);
  });

  test('the token of an app is refused if its header contains its own key, or the URL of its own keys', async () => {
    const stranger = await openIssuer();
    const { keys } = (await (await fetch(stranger.tokens.jwks)).json()) as {
      keys: { alg: string }[];
    };
    const jwk = keys.find(({ alg }) => alg === 'ES256');
    for (const header of [{ jwk }, { jku: stranger.tokens.jwks }, { jwk, kid: undefined }]) {
      const token = await stranger.sign({ account_id: 'acme' }, { header });
      expect(await refusal(token)).toBe('wrong-token');
    }
    stranger.close();
  });

  test.each([
    'x.y',
    'x.y.z',
    '..',
    'a.b.c.d.e',
    forged({}, {}),
    forged({ alg: 'ES256' }, 'no JSON', 'AAAA'),
    forged({ alg: 'ES256', crit: ['exp'] }, {}, 'AAAA'),
    forged({ alg: 'ES256', b64: false }, {}, 'AAAA'),
    forged({ alg: { a: 1 } }, {}, 'AAAA'),
  ])('the text “%s” is refused as the token of an app', async (text) => {
    expect(await refusal(text)).toBe('wrong-token');
  });
});

describe('the issuer’s keys for tokens of apps', () => {
  test('the issuer’s keys are fetched only once, even if several tokens of apps name an unknown key', async () => {
    const before = issuer.fetched;
    for (let n = 0; n < 5; n += 1)
      await tokens.accountOf(await issuer.sign({ account_id: 'acme' }));
    const unknown = await issuer.sign({ account_id: 'acme' }, { header: { kid: 'unknown' } });
    for (let n = 0; n < 5; n += 1) expect(await refusal(unknown)).toBe('wrong-token');
    expect(issuer.fetched - before).toBe(1);
  });

  test('the token of an app is accepted with a new key of the issuer, and refused with a withdrawn key', async () => {
    const former = await issuer.sign({ account_id: 'acme' }, { alg: 'EdDSA' });
    await issuer.rotate('EdDSA');
    expect(await refusal(former)).toBe('wrong-token');
    expect(
      await tokens.accountOf(await issuer.sign({ account_id: 'acme' }, { alg: 'EdDSA' })),
    ).toBe('acme');
  });

  test.each([
    ['an error', { status: 500, body: 'down' }],
    ['a redirect', { status: 302, body: '' }],
    ['a text that is not JSON', { status: 200, body: '<html>' }],
    ['JSON without keys', { status: 200, body: '{"keys": 3}' }],
  ] as const)(
    'the check of an app’s token throws Unavailable, and does not refuse the token, when the issuer sends %s instead of its keys',
    async (_what, fault) => {
      issuer.fault = fault;
      const token = await issuer.sign({ account_id: 'acme' });
      await expect(tokens.accountOf(token)).rejects.toThrow(Unavailable);
      issuer.fault = null;
      expect(await tokens.accountOf(token)).toBe('acme');
    },
  );

  test('the token of an app is accepted with a cached key while the issuer does not answer', async () => {
    const token = await issuer.sign({ account_id: 'acme' });
    await tokens.accountOf(token);
    issuer.fault = { status: 503, body: '' };
    expect(await tokens.accountOf(token)).toBe('acme');
  });

  test('the check of an app’s token waits at most 3 seconds for the issuer’s keys, then throws Unavailable', async () => {
    issuer.fault = 'silent';
    const token = await issuer.sign({ account_id: 'acme' });
    const from = performance.now();
    await expect(tokens.accountOf(token)).rejects.toThrow(Unavailable);
    expect(performance.now() - from).toBeLessThan(5000);
    const { port } = new URL(issuer.tokens.jwks);
    const nowhere = openTokens({ ...issuer.tokens, jwks: `http://127.0.0.1:${Number(port) + 1}/` });
    await expect(nowhere.accountOf(token)).rejects.toThrow(Unavailable);
  });
});
