// The settings of account migrations: the older system Conversations, its store and media, and the tokens of apps.
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { signingAlgorithm } from './signing-algorithm.ts';

export type MoveSettings = {
  /**
   * The URL of the older system, the key that signs our tokens for it, and the certificate of that
   * key.
   */
  conversations: { url: string; key: KeyObject; certificate: X509Certificate };
  store: {
    /**
     * The URL of DynamoDB, the store of the older system; null for the AWS endpoint of the region.
     */
    endpoint: string | null;
    region: string;
    messagesTable: string;
    threadsTable: string;
    /**
     * The AWS credentials; null if the AWS SDK finds credentials itself, for example those of the
     * machine’s role.
     */
    keys: { id: string; secret: string } | null;
  };
  /**
   * The hosts, with their ports, from which attachments are fetched. Oneway sends its token to no
   * other media host.
   */
  mediaHosts: string[];
  attachmentBytes: number;
  /** The identity service that signs the tokens of apps; null if apps do not call this server. */
  tokens: { issuer: string; audience: string; jwks: string } | null;
  /**
   * Which messages are recent: messages of the last `days` days, but at most `messages` of them.
   */
  recent: { days: number; messages: number };
  /**
   * A migration fails when more than `allowed` records, and more than `percent` percent of all records, are dead
   * letters.
   */
  failures: { allowed: number; percent: number };
};

type Variables = Record<string, string | undefined>;

const number = (least: number, most: number) => {
  const message = `must be a whole number from ${least} to ${most}`;
  return z.coerce.number(message).int(message).min(least, message).max(most, message);
};

const limits = z.object({
  ATTACHMENT_LIMIT_MB: number(1, 5000),
  MOVE_RECENT_DAYS: number(1, 3650),
  MOVE_RECENT_MESSAGES: number(50, 100_000),
  MOVE_FAILURES_ALLOWED: number(0, 1_000_000),
  MOVE_FAILURES_PERCENT: number(0, 100),
});

const OLDER_SYSTEM = [
  'CONVERSATIONS_URL',
  'CONVERSATIONS_KEY_FILE',
  'CONVERSATIONS_CERTIFICATE_FILE',
] as const;
const STORE = ['STORE_REGION', 'STORE_MESSAGES_TABLE', 'STORE_THREADS_TABLE'] as const;
const ACCESS = ['STORE_ACCESS_KEY_ID', 'STORE_SECRET_ACCESS_KEY'] as const;
const TOKENS = ['ACCOUNT_TOKENS_ISSUER', 'ACCOUNT_TOKENS_AUDIENCE', 'ACCOUNT_TOKENS_JWKS'] as const;

export const moveVariables = [
  ...OLDER_SYSTEM,
  ...STORE,
  'STORE_ENDPOINT',
  ...ACCESS,
  'MEDIA_HOSTS',
  ...TOKENS,
  ...Object.keys(limits.shape),
];

/**
 * Parses the settings of account migrations. `moves` is null if no older system is set or a setting
 * is wrong. `wrong`: a message for each wrong setting.
 */
export function moveSettings(variables: Variables): {
  moves: MoveSettings | null;
  wrong: string[];
} {
  const { data, error } = limits.safeParse(variables);
  const wrong = (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
  const optional = [...OLDER_SYSTEM, 'STORE_ENDPOINT', ...ACCESS, ...TOKENS, 'MEDIA_HOSTS'];
  const given = optional.filter((name) => variables[name]);
  if (given.length === 0) return { moves: null, wrong };
  for (const name of [...OLDER_SYSTEM, ...STORE]) {
    if (!variables[name]) {
      wrong.push(`${name}: is missing; account migrations need it beside ${given.join(', ')}`);
    }
  }
  const tokens = TOKENS.map((name) => variables[name]);
  if (tokens.some(Boolean) && !tokens.every(Boolean)) {
    wrong.push(`${TOKENS.join(', ')}: give all of them or none`);
  }
  const [id, secret] = ACCESS.map((name) => variables[name]);
  if (!id !== !secret) wrong.push(`${ACCESS.join(' and ')}: give both or none`);
  for (const name of ['CONVERSATIONS_URL', 'STORE_ENDPOINT', 'ACCOUNT_TOKENS_JWKS']) {
    if (variables[name] && !isWebAddress(variables[name])) wrong.push(`${name}: must be https://…`);
  }
  const mediaHosts = hostsIn(variables['MEDIA_HOSTS'] ?? '', wrong);
  const key = readPem(variables, 'CONVERSATIONS_KEY_FILE', createPrivateKey, wrong);
  const certificate = readPem(
    variables,
    'CONVERSATIONS_CERTIFICATE_FILE',
    (pem) => new X509Certificate(pem),
    wrong,
  );
  if (key && certificate && !certificate.checkPrivateKey(key)) {
    wrong.push('CONVERSATIONS_CERTIFICATE_FILE: is not the certificate of CONVERSATIONS_KEY_FILE');
  }
  if (key && signingAlgorithm(key) === null) {
    wrong.push('CONVERSATIONS_KEY_FILE: must be a key of RSA, P-256, P-384, P-521 or Ed25519');
  }
  if (wrong.length > 0 || !data || !key || !certificate) return { moves: null, wrong };
  const [issuer = '', audience = '', jwks = ''] = tokens;
  return {
    moves: {
      conversations: { url: variables['CONVERSATIONS_URL'] ?? '', key, certificate },
      store: {
        endpoint: variables['STORE_ENDPOINT'] || null,
        region: variables['STORE_REGION'] ?? '',
        messagesTable: variables['STORE_MESSAGES_TABLE'] ?? '',
        threadsTable: variables['STORE_THREADS_TABLE'] ?? '',
        keys: id && secret ? { id, secret } : null,
      },
      mediaHosts,
      attachmentBytes: data.ATTACHMENT_LIMIT_MB * 1_000_000,
      tokens: issuer ? { issuer, audience, jwks } : null,
      recent: { days: data.MOVE_RECENT_DAYS, messages: data.MOVE_RECENT_MESSAGES },
      failures: { allowed: data.MOVE_FAILURES_ALLOWED, percent: data.MOVE_FAILURES_PERCENT },
    },
    wrong,
  };
}

function hostsIn(list: string, wrong: string[]): string[] {
  const hosts = list.split(',').flatMap((host) => host.trim().toLowerCase() || []);
  for (const host of hosts) {
    if (URL.parse(`https://${host}`)?.host !== host) {
      wrong.push('MEDIA_HOSTS: must be hosts with commas between: media.example.com');
    }
  }
  return hosts;
}

const isWebAddress = (url: string) => ['http:', 'https:'].includes(URL.parse(url)?.protocol ?? '');

function readPem<T>(
  variables: Variables,
  name: string,
  parse: (pem: string) => T,
  wrong: string[],
): T | null {
  const file = variables[name];
  if (!file) return null;
  try {
    return parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'error';
    wrong.push(`${name}: ${file} cannot be read (${code}); it must be in PEM format`);
    return null;
  }
}
