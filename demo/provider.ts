// A sign-in provider (OpenID Connect) for the demo and the tests: accounts with passwords, a sign-in page, and one
// client for each environment. It keeps its data in memory, so the data is lost when its process ends.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import express, { type NextFunction, type Request, type Response } from 'express';
import { Provider, type ClientMetadata, type Configuration } from 'oidc-provider';
import { memory } from './provider-memory.ts';
import { signInPage } from './provider-page.ts';

export type ProviderAccount = {
  email: string;
  name: string;
  password: string;
  /** Additional or overriding claims of the account: `email_verified`, a list of permissions. */
  claims?: Record<string, unknown>;
};
export type Client = { id: string; secret: string; redirectUri: string };
export type Plan = {
  port: number;
  /** The provider’s URL as its clients know it; by default the URL of its own port. */
  issuer?: string;
  accounts: ProviderAccount[];
  clients: Client[];
};

/** Creates a client for each environment, with the environment’s callback URL. */
export const clientsFor = (urls: Record<string, string>): Client[] =>
  Object.entries(urls).map(([name, url]) => ({
    id: `oneway-${name}`,
    secret: randomBytes(24).toString('hex'),
    redirectUri: `${url}/sign-in/callback`,
  }));

/** The settings with which a server uses this provider. */
export const settingsFor = (port: number, { id, secret }: Client): Record<string, string> => ({
  OIDC_ISSUER: `http://localhost:${port}`,
  OIDC_CLIENT_ID: id,
  OIDC_CLIENT_SECRET: secret,
});

/**
 * Starts the provider, which listens on this machine only. `accounts` are read at each request, so
 * the caller may change them while the provider runs.
 */
export async function startProvider({
  port,
  issuer = `http://localhost:${port}`,
  accounts,
  clients,
}: Plan): Promise<Server> {
  const provider = new Provider(issuer, configurationOf({ accounts, clients }));
  const app = express().disable('x-powered-by');
  app.get('/interaction/:uid', (req, res) => showPage(provider, req, res));
  app.post('/interaction/:uid', express.urlencoded({ extended: false }), (req, res) =>
    signIn(provider, accounts, req, res),
  );
  app.use(provider.callback());
  app.use(sayItIsOver);
  return new Promise((resolve, reject) => {
    const server = app.listen(port, '127.0.0.1', (error) =>
      error ? reject(error) : resolve(server),
    );
  });
}

async function showPage(provider: Provider, req: Request, res: Response) {
  await provider.interactionDetails(req, res);
  res.send(signInPage({ email: '', isWrong: false }));
}

async function signIn(provider: Provider, all: ProviderAccount[], req: Request, res: Response) {
  const { email = '', password } = req.body as { email?: string; password?: string };
  const account = all.find((one) => one.email === email.trim().toLowerCase());
  if (account && account.password === password) {
    const login = { accountId: account.email };
    await provider.interactionFinished(req, res, { login }, { mergeWithLastSubmission: false });
  } else {
    res.status(422).send(signInPage({ email, isWrong: true }));
  }
}

/**
 * Answers a request that failed: the person has to begin the sign-in again. Express recognises an
 * error handler by its four arguments.
 */
function sayItIsOver(_error: unknown, _req: Request, res: Response, _next: NextFunction) {
  res.status(400).type('text').send('This sign-in is over. Go back to Oneway and begin again.');
}

function configurationOf({ accounts, clients }: Pick<Plan, 'accounts' | 'clients'>): Configuration {
  return {
    adapter: memory(),
    clients: clients.map(registered),
    jwks: { keys: [signingKey()] },
    cookies: { keys: [randomBytes(24).toString('hex')] },
    claims: {
      openid: ['sub'],
      email: ['email', 'email_verified'],
      profile: ['name', 'oneway_permissions'],
    },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    pkce: { required: () => true },
    ttl: { AccessToken: 300, IdToken: 300, Interaction: 3600, Session: 36_000, Grant: 36_000 },
    findAccount: (_ctx, email) => {
      const account = accounts.find((one) => one.email === email);
      return account && { accountId: email, claims: () => ({ sub: email, ...claimsOf(account) }) };
    },
    loadExistingGrant: grantEverything,
    renderError: (ctx, { error, error_description: why }) => {
      ctx.type = 'text';
      ctx.body = `${error}: ${why ?? ''}`;
    },
  };
}

const claimsOf = ({ email, name, claims }: ProviderAccount) => ({
  email,
  email_verified: true,
  name,
  ...claims,
});

const registered = ({ id, secret, redirectUri }: Client): ClientMetadata => ({
  client_id: id,
  client_secret: secret,
  redirect_uris: [redirectUri],
  response_types: ['code'],
  grant_types: ['authorization_code'],
  token_endpoint_auth_method: 'client_secret_post',
});

const signingKey = () => ({
  ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }),
  kty: 'RSA',
  alg: 'RS256',
  use: 'sig',
});

/** Grants every client what it asks for: all clients are Oneway’s own, so no person is asked for consent. */
const grantEverything: Configuration['loadExistingGrant'] = async ({ oidc }) => {
  const { client, session, provider } = oidc;
  if (!client || !session?.accountId) return undefined;
  const known = session.grantIdFor(client.clientId);
  if (known) return provider.Grant.find(known);
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope('openid email profile');
  await grant.save();
  return grant;
};

if (import.meta.main) {
  const server = await startProvider(JSON.parse(process.env['PROVIDER'] ?? '') as Plan);
  process.on('SIGTERM', () => {
    server.close();
    server.closeAllConnections();
  });
}
