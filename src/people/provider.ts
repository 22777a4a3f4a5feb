// Single sign-on with an OpenID Connect provider: code flow with PKCE, state and nonce.
import * as openid from 'openid-client';
import type { SingleSignOn } from '../settings.ts';

/** Values stored in the session that the provider must return unchanged. */
export type Attempt = { state: string; nonce: string; verifier: string; isSilent: boolean };
export type Claims = Record<string, unknown>;
export type Provider = ReturnType<typeof openProvider>;

const TIMEOUT_SECONDS = 5;
const KNOWN_MS = 10_000;

/** The provider is contacted only at sign-in, so the server starts without it. */
export function openProvider(client: SingleSignOn) {
  let known: { at: number; asked: Promise<openid.Configuration> } | null = null;

  // Discovery runs at each sign-in: if the provider is down, the page reports that before redirecting the browser.
  const discover = () => {
    if (known === null || Date.now() - known.at > KNOWN_MS) {
      const asked = discovery(client);
      const mine = { at: Date.now(), asked };
      known = mine;
      asked.catch(() => {
        if (known === mine) known = null;
      });
    }
    return known.asked;
  };

  return {
    /** @throws when the provider does not answer */
    async begin(how: { isSilent: boolean; asksAgain: boolean }) {
      const attempt = newAttempt(how.isSilent);
      return { attempt, address: await addressOf(await discover(), client, attempt, how) };
    },
    /** The provider's claims about the person, or its error code. */
    async finish(
      attempt: Attempt,
      search: string,
    ): Promise<{ claims: Claims } | { error: string }> {
      try {
        return { claims: await claimsOf(await discover(), client, attempt, search) };
      } catch (error) {
        if (error instanceof openid.AuthorizationResponseError) return { error: error.error };
        throw error;
      }
    },
  };
}

function discovery({ issuer, clientId, clientSecret }: SingleSignOn) {
  const server = new URL(issuer);
  // The settings allow http:// only for this machine.
  const local = server.protocol === 'http:' ? [openid.allowInsecureRequests] : [];
  return openid.discovery(server, clientId, clientSecret, undefined, {
    execute: [...local, openid.enableNonRepudiationChecks],
    timeout: TIMEOUT_SECONDS,
  });
}

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
  // Signed claims take precedence.
  return { ...claims, ...signed };
}
