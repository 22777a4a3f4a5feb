// A minimal identity service of a shop for tests: it serves its public keys and signs any token that a test asks for.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  exportJWK,
  exportSPKI,
  generateKeyPair,
  SignJWT,
  type GenerateKeyPairResult,
  type JWTPayload,
} from 'jose';

const algorithms = ['RS256', 'ES256', 'EdDSA', 'PS256'] as const;
type Algorithm = (typeof algorithms)[number];

export type Issuer = {
  /** The settings with which a server accepts tokens of this identity service. */
  variables: Record<string, string>;
  tokens: { issuer: string; audience: string; jwks: string };
  /** How often servers have fetched the public keys. */
  fetched: number;
  /**
   * What the identity service answers instead of its keys: a status with a text; `silent`: nothing.
   */
  fault: { status: number; body: string } | 'silent' | null;
  /** Signs a token for five minutes; the given claims and header replace the usual values. */
  sign(
    claims: JWTPayload & Record<string, unknown>,
    by?: { alg?: Algorithm; header?: Record<string, unknown> },
  ): Promise<string>;
  /** Returns the public key with which tokens of a signature algorithm are verified, as PEM text. */
  publicPem(alg: Algorithm): Promise<string>;
  /** Replaces the key of this algorithm by a new key. */
  rotate(alg: Algorithm): Promise<void>;
  close(): void;
};

export async function openIssuer(): Promise<Issuer> {
  const pairs = new Map<Algorithm, GenerateKeyPairResult & { kid: string }>();
  const rotate = async (alg: Algorithm) => {
    const count = Number(pairs.get(alg)?.kid.split('-')[1] ?? 0) + 1;
    const pair = await generateKeyPair(alg, { extractable: true });
    pairs.set(alg, { ...pair, kid: `${alg}-${count}` });
  };
  for (const alg of algorithms) await rotate(alg);
  const keys = () =>
    Promise.all(
      [...pairs].map(async ([alg, { publicKey, kid }]) => ({
        ...(await exportJWK(publicKey)),
        alg,
        kid,
      })),
    );
  const server = createServer((_req, res) => {
    issuer.fetched += 1;
    const { fault } = issuer;
    if (fault === 'silent') return;
    res.setHeader('Content-Type', 'application/json');
    if (fault) res.writeHead(fault.status).end(fault.body);
    else void keys().then((own) => res.end(JSON.stringify({ keys: own })));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const tokens = {
    issuer: 'https://identity.example.com',
    audience: 'oneway',
    jwks: `http://127.0.0.1:${port}/jwks.json`,
  };
  const issuer: Issuer = {
    tokens,
    variables: {
      ACCOUNT_TOKENS_ISSUER: tokens.issuer,
      ACCOUNT_TOKENS_AUDIENCE: tokens.audience,
      ACCOUNT_TOKENS_JWKS: tokens.jwks,
    },
    fetched: 0,
    fault: null,
    rotate,
    sign: async (claims, { alg = 'ES256', header = {} } = {}) => {
      const pair = pairs.get(alg);
      if (!pair) throw new Error(`No key for ${alg}`);
      const now = Math.floor(Date.now() / 1000);
      const usual = { iss: tokens.issuer, aud: tokens.audience, iat: now, exp: now + 300 };
      return new SignJWT({ ...usual, ...claims })
        .setProtectedHeader({ alg, kid: pair.kid, ...header })
        .sign(pair.privateKey);
    },
    publicPem: async (alg) => {
      const pair = pairs.get(alg);
      if (!pair) throw new Error(`No key for ${alg}`);
      return exportSPKI(pair.publicKey);
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return issuer;
}

const encoded = (part: object | string) =>
  Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');

/** Builds a token from a header, claims and a signature, without checking that they are valid. */
export const forged = (header: object, claims: object | string, signature = ''): string =>
  `${encoded(header)}.${encoded(claims)}.${signature}`;
