import type { KeyObject } from 'node:crypto';

/**
 * Returns the algorithm with which a private key signs JSON web tokens; null if the key cannot sign
 * them.
 */
export function signingAlgorithm({
  asymmetricKeyType,
  asymmetricKeyDetails,
}: KeyObject): string | null {
  if (asymmetricKeyType === 'rsa') return 'RS256';
  if (asymmetricKeyType === 'ed25519') return 'EdDSA';
  const curves: Record<string, string> = {
    prime256v1: 'ES256',
    secp384r1: 'ES384',
    secp521r1: 'ES512',
  };
  return curves[asymmetricKeyDetails?.namedCurve ?? ''] ?? null;
}
