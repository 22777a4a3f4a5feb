// The tokens of Conversations: verifies the tokens of Oneway, which are signed with the key of Oneway’s certificate,
// and signs the tokens of phone apps.
import { createHash, X509Certificate } from 'node:crypto';
import {
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  jwtVerify,
  SignJWT,
  type JSONWebKeySet,
  type JWTPayload,
} from 'jose';

export type Tokens = {
  jwks: JSONWebKeySet;
  /**
   * Signs a token for the phone app of an account, which is valid for 10 minutes. `claims` replace the usual claims.
   */
  shopper(account: string, claims?: JWTPayload): Promise<string>;
  /** Returns the account that the token of a phone app names; null if the token is not valid. */
  accountOf(token: string): Promise<string | null>;
  /** Whether a token is signed with the key of Oneway’s certificate, which Conversations knows. */
  isCertified(token: string): Promise<boolean>;
};

export const AUDIENCE = 'oneway';

/** `issuer` is a function, because the address is known only after the server listens. */
export async function openTokens(pem: string, issuer: () => string): Promise<Tokens> {
  const certificate = new X509Certificate(pem);
  const thumbprint = createHash('sha256').update(certificate.raw).digest('base64url');
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'shoppers-1', alg: 'ES256', use: 'sig' };
  return {
    jwks: { keys: [jwk] },
    shopper: (account, claims = {}) =>
      new SignJWT({ account_id: account, ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: jwk.kid })
        .setIssuer(claims.iss ?? issuer())
        .setAudience(claims.aud ?? AUDIENCE)
        .setIssuedAt()
        .setExpirationTime(claims.exp ?? '10 minutes')
        .sign(privateKey),
    accountOf: async (token) => {
      try {
        const { payload } = await jwtVerify(token, publicKey, {
          issuer: issuer(),
          audience: AUDIENCE,
          algorithms: ['ES256'],
        });
        return String(payload['account_id']);
      } catch {
        return null;
      }
    },
    isCertified: async (token) => {
      try {
        if (decodeProtectedHeader(token)['x5t#S256'] !== thumbprint) return false;
        await jwtVerify(token, certificate.publicKey, {
          audience: 'conversations',
          algorithms: ['ES256', 'ES384', 'RS256', 'EdDSA'],
          maxTokenAge: '5 minutes',
          requiredClaims: ['iat', 'exp', 'iss'],
        });
        return true;
      } catch {
        return false;
      }
    },
  };
}
