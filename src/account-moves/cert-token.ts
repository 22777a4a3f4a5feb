// Creates the token with which Oneway identifies itself to the older system, from which accounts are migrated, and to
// its media hosts. The token is signed with our key and names our certificate.
import { createHash } from 'node:crypto';
import { SignJWT } from 'jose';
import type { MoveSettings } from './settings.ts';
import { signingAlgorithm } from './signing-algorithm.ts';

/** Creates a token for the older system, which is valid for 5 minutes. */
export function certToken({ conversations }: Pick<MoveSettings, 'conversations'>): Promise<string> {
  const { key, certificate } = conversations;
  const thumbprint = createHash('sha256').update(certificate.raw).digest('base64url');
  return new SignJWT()
    .setProtectedHeader({ alg: signingAlgorithm(key) ?? '', typ: 'JWT', 'x5t#S256': thumbprint })
    .setIssuer('oneway')
    .setAudience('conversations')
    .setIssuedAt()
    .setExpirationTime('5 minutes')
    .sign(key);
}
