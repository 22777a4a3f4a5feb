// Verifies the tokens with which apps call the account migration API. An identity service (the issuer) signs each
// token, and each token names one account.
import { createRemoteJWKSet, errors, jwtVerify, type JWTVerifyGetKey } from 'jose';
import { WrongBearer } from '../access/bearer.ts';
import { EXTERNAL_ID } from '../inbox/accounts.ts';
import { Unavailable } from '../problems.ts';
import type { MoveSettings } from './settings.ts';

/**
 * Accept only signatures made with a private key: with HS256, an attacker could sign with the
 * public key as the secret.
 */
const ALGORITHMS = ['RS256', 'ES256', 'EdDSA'];
/** By how many seconds the issuer’s clock may differ from ours. */
const SKEW_S = 5;
const TIMEOUT_MS = 3000;

export type AccountTokens = {
  /**
   * Verifies a token; returns the id of the account that the token names.
   * @throws WrongBearer when the token is refused, Unavailable when the issuer’s keys cannot be
   * read
   */
  accountOf(token: string): Promise<string>;
};

/**
 * Returns a verifier for the configured issuer. The issuer’s keys are fetched when needed and
 * cached for ten minutes.
 */
export function openTokens(settings: NonNullable<MoveSettings['tokens']>): AccountTokens {
  const keys = keysOf(settings.jwks);
  const { issuer, audience } = settings;
  const claims = { issuer, audience, algorithms: ALGORITHMS, clockTolerance: SKEW_S };
  return {
    async accountOf(token) {
      const { payload } = await jwtVerify(token, keys, {
        ...claims,
        requiredClaims: ['exp'],
      }).catch((error: unknown) => {
        throw error instanceof errors.JOSEError ? refusalOf(error) : error;
      });
      const { account_id: account } = payload;
      if (typeof account !== 'string' || !EXTERNAL_ID.test(account)) {
        throw wrong('no-account', 'The token names no account: the claim account_id is missing.');
      }
      return account;
    },
  };
}

function keysOf(url: string): JWTVerifyGetKey {
  const remote = createRemoteJWKSet(new URL(url), { timeoutDuration: TIMEOUT_MS });
  return async (header, token) => {
    try {
      return await remote(header, token);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey) throw error;
      if (error instanceof errors.JWKSMultipleMatchingKeys) throw error;
      const message =
        'The keys that verify tokens cannot be read right now. Try again in a moment.';
      throw new Unavailable(message, { cause: error });
    }
  };
}

function refusalOf(error: errors.JOSEError): WrongBearer {
  if (error instanceof errors.JWTExpired) {
    return harmless('token-expired', 'The token has expired. Get a new one.');
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { claim } = error;
    return claim === 'nbf'
      ? harmless('token-early', 'The token is not valid yet.')
      : wrong('wrong-claim', `The claim ${claim} of the token is missing or wrong.`);
  }
  return wrong(
    'wrong-token',
    'The token cannot be verified: it needs a valid signature with RS256, ES256 or EdDSA.',
  );
}

const wrong = (reason: string, message: string) =>
  new WrongBearer({ reason, kind: 'account-token' }, message);

/**
 * Creates the error for a refused token that the issuer did sign, such as an expired one. It does
 * not count towards the limit for wrong tokens, because nobody guessed this token.
 */
const harmless = (reason: string, message: string) =>
  new WrongBearer({ reason, kind: null }, message);
