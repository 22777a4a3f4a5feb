// The identity service of a shop, as small as it can be: it serves its public keys, and signs whatever a test wants.
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
  /** The settings of a server that accepts its tokens. */
  variables: Record<string, string>;
  tokens: { issuer: string; audience: string; jwks: string };
  /** How often its keys were fetched. */
  fetched: number;
  /** What it answers in place of its keys: a status, a text, or nothing at all. */
  fault: { status: number; body: string } | 'silent' | null;
  /** A token that is valid for five minutes, except for the claims and the header that are given. */
  sign(
    claims: JWTPayload & Record<string, unknown>,
    by?: { alg?: Algorithm; header?: Record<string, unknown> },
  ): Promise<string>;
  /** The public key of an algorithm in PEM. */
  publicPem(alg: Algorithm): Promise<string>;
  /** Serves another key of this algorithm from now on. */
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

/** A token from its parts, whatever they are: header, claims, signature. */
export const forged = (header: object, claims: object | string, signature = ''): string =>
  `${encoded(header)}.${encoded(claims)}.${signature}`;
