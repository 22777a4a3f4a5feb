// Single sign-on with an OpenID Connect provider, by code flow with PKCE, state and nonce.
import * as openid from 'openid-client';
import { inTime, TooLate } from '../in-time.ts';
import type { SingleSignOn } from './provider-settings.ts';

/**
 * One attempt to sign in: random values that the browser keeps in a cookie, and that the provider’s
 * answer must match.
 */
export type Attempt = { state: string; nonce: string; verifier: string; isSilent: boolean };
export type Claims = Record<string, unknown>;
export type Provider = ReturnType<typeof openProvider>;

/**
 * Timeouts in milliseconds. BEGIN_MS: how long a page waits for the provider before it sends the browser to it.
 * FINISH_MS: how long all requests to the provider may take when the browser comes back. The second limit is longer,
 * because the browser comes back with an answer that can be used only once.
 */
const BEGIN_MS = 1500;
const FINISH_MS = 5000;
const KNOWN_MS = 10_000;

/**
 * Creates the client of the sign-in provider. The client contacts the provider only during sign-ins, so that the server
 * starts even while the provider is down.
 */
export function openProvider(client: SingleSignOn) {
  let known: { at: number; asked: Promise<openid.Configuration> } | null = null;
  // The provider’s configuration from the beginning of a sign-in, reused at its end to save a
  // request.
  let last: openid.Configuration | null = null;

  // Reads the provider’s configuration at the beginning of a sign-in, at most every ten seconds. If
  // the provider is down, the page says so before it sends the browser there.
  const discover = () => {
    if (known === null || Date.now() - known.at > KNOWN_MS) {
      const asked = discovery(client);
      const mine = { at: Date.now(), asked };
      known = mine;
      asked.then(
        (configuration) => (last = configuration),
        () => {
          if (known === mine) known = null;
        },
      );
    }
    return known.asked;
  };

  return {
    /**
     * Begins a sign-in. Returns the provider’s URL to redirect to, and the values that the
     * provider’s answer must match.
     * @throws an error when the provider does not answer
     */
    async begin(how: { isSilent: boolean; asksAgain: boolean }) {
      const attempt = newAttempt(how.isSilent);
      const configuration = await inTime(BEGIN_MS, discover());
      return { attempt, address: await addressOf(configuration, client, attempt, how) };
    },
    /**
     * Ends a sign-in. Returns the provider’s claims about the person, or the provider’s error code.
     * @throws an error when the provider does not answer, or answers something else
     */
    async finish(
      attempt: Attempt,
      search: string,
    ): Promise<{ claims: Claims } | { error: string }> {
      try {
        const asked = async () => claimsOf(last ?? (await discover()), client, attempt, search);
        return { claims: await inTime(FINISH_MS, asked()) };
      } catch (error) {
        if (error instanceof openid.AuthorizationResponseError) return { error: error.error };
        throw error;
      }
    },
  };
}

function discovery({ issuer, clientId, clientSecret }: SingleSignOn) {
  const server = new URL(issuer);
  // The settings allow http:// only for a provider on this machine.
  const local = server.protocol === 'http:' ? [openid.allowInsecureRequests] : [];
  return openid.discovery(server, clientId, clientSecret, undefined, {
    execute: [...local, openid.enableNonRepudiationChecks],
    timeout: FINISH_MS / 1000,
  });
}

/**
 * Whether an error means that the provider does not answer or does not work now. The person who
 * signs in did not cause such an error.
 */
export function isUnreachable(error: unknown): boolean {
  if (error instanceof TooLate) return true;
  const { message, code, status, cause } = (error ?? {}) as Trouble;
  // The messages of fetch when a connection failed or was cut.
  if (message === 'fetch failed' || message === 'terminated') return true;
  if (code === 'OAUTH_TIMEOUT' || Number(status) >= 500) return true;
  return cause !== undefined && isUnreachable(cause);
}

type Trouble = { message?: string; code?: string; status?: number; cause?: unknown };

const newAttempt = (isSilent: boolean): Attempt => ({
  state: openid.randomState(),
  nonce: openid.randomNonce(),
  verifier: openid.randomPKCECodeVerifier(),
  isSilent,
});

async function addressOf(
  configuration: openid.Configuration,
  { redirectUri }: SingleSignOn,
  { state, nonce, verifier, isSilent }: Attempt,
  { asksAgain }: { asksAgain: boolean },
): Promise<string> {
  return openid.buildAuthorizationUrl(configuration, {
    redirect_uri: redirectUri,
    scope: 'openid email profile',
    state,
    nonce,
    code_challenge: await openid.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...(isSilent ? { prompt: 'none' } : asksAgain ? { prompt: 'login' } : {}),
  }).href;
}

async function claimsOf(
  configuration: openid.Configuration,
  { redirectUri }: SingleSignOn,
  { state, nonce, verifier }: Attempt,
  search: string,
): Promise<Claims> {
  const tokens = await openid.authorizationCodeGrant(
    configuration,
    new URL(`${redirectUri}${search}`),
    { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier },
  );
  const signed = tokens.claims();
  if (!signed) throw new Error('the provider sent no ID token');
  if (!configuration.serverMetadata().userinfo_endpoint) return signed;
  const claims = await openid.fetchUserInfo(configuration, tokens.access_token, signed.sub);
  // Claims in the signed token take precedence over the claims fetched from the provider, which are
  // not signed.
  return { ...claims, ...signed };
}
