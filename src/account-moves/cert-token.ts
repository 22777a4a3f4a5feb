// The token that we send to the older system and its media: signed with our key, it names our certificate.
import { createHash, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import type { MoveSettings } from './settings.ts';

/** A token for the older system; it is valid for 5 minutes. */
export function certToken({ conversations }: Pick<MoveSettings, 'conversations'>): Promise<string> {
  const { key, certificate } = conversations;
  const thumbprint = createHash('sha256').update(certificate.raw).digest('base64url');
  return new SignJWT()
    .setProtectedHeader({ alg: algorithmOf(key), typ: 'JWT', 'x5t#S256': thumbprint })
    .setIssuer('oneway')
    .setAudience('conversations')
    .setIssuedAt()
    .setExpirationTime('5 minutes')
    .sign(key);
}

/** The algorithm of JSON web tokens for a key. */
export function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string {
  if (asymmetricKeyType === 'rsa') return 'RS256';
  if (asymmetricKeyType === 'rsa-pss') return 'PS256';
  if (asymmetricKeyType === 'ed25519') return 'EdDSA';
  const curves: Record<string, string> = {
    prime256v1: 'ES256',
    secp384r1: 'ES384',
    secp521r1: 'ES512',
  };
  const algorithm = curves[asymmetricKeyDetails?.namedCurve ?? ''];
  if (algorithm !== undefined) return algorithm;
  throw new Error(
    'CONVERSATIONS_KEY_FILE holds a key that cannot sign tokens: make one of RSA, P-256 or Ed25519',
  );
}
