// Finds settings that would send passwords and rows over a network without TLS.
import { environmentUrls, isLoopback } from './environments/urls.ts';

type Variables = Record<string, string | undefined>;

const SETTING = 'PLAIN_CONNECTIONS_TO';
const DATABASE =
  /^((?:UNI_DIR_DESTINATION_|REFRESH_SOURCE_|COPIES_|DATASETS_)?(?:NO)?SQL_DB)_HOST$/;
const ADDRESS = /^(?:REDIS|SMTP|INDEXER|WEBHOOK_[A-Z0-9_]+|SLACK_[A-Z0-9_]+)_URL$/;
const STORAGE = /^(?:UNI_DIR_DESTINATION_|REFRESH_SOURCE_|PIPELINE_)?STORAGE_URL$/;
const PLAIN = ['http:', 'redis:', 'smtp:'];

/**
 * Returns an error message for each setting that connects to another machine without TLS. A message
 * shows only the host of an address, because the whole address may be a secret.
 */
export function plainConnections(variables: Variables): string[] {
  const allowed = (variables[SETTING] ?? '').split(',').map((host) => host.trim().toLowerCase());
  const isPlain = (host: string) => isElsewhere(host) && !allowed.includes(host.toLowerCase());
  const wrong: string[] = [];
  for (const [name, value = ''] of Object.entries(variables)) {
    const [, database] = DATABASE.exec(name) ?? [];
    const url = plainUrl(name, value);
    if (database && variables[`${database}_TLS`] !== 'true' && isPlain(value)) {
      wrong.push(`${database}_TLS: must be true for ${value}, ${orAllow}`);
    } else if (url && isPlain(url.hostname)) {
      wrong.push(
        `${name}: must be encrypted (https, rediss, smtps; smtp with ?requireTLS=true) for ${url.hostname}, ${orAllow}`,
      );
    }
  }
  if (variables['PEOPLE_TOKEN']) wrong.push(...plainServers(variables, isPlain));
  return wrong;
}

/**
 * Returns a message for each server in ENVIRONMENT_URLS that is on another machine and uses http.
 * PEOPLE_TOKEN is sent to these servers, so it would travel unencrypted.
 */
const plainServers = (variables: Variables, isPlain: (host: string) => boolean): string[] =>
  Object.values(environmentUrls(variables['ENVIRONMENT_URLS'] ?? '')).flatMap((address) => {
    const url = URL.parse(address);
    return url?.protocol === 'http:' && isPlain(url.hostname)
      ? [`PEOPLE_TOKEN: needs https in ENVIRONMENT_URLS for ${url.hostname}, ${orAllow}`]
      : [];
  });

const orAllow = `which is another machine; name it in ${SETTING} if its network is private`;

function plainUrl(name: string, value: string): URL | null {
  const text = STORAGE.test(name)
    ? (URL.parse(value)?.searchParams.get('endpoint') ?? '')
    : ADDRESS.test(name)
      ? value
      : '';
  const url = URL.parse(text);
  const isPlain = url && PLAIN.includes(url.protocol);
  return isPlain && url.searchParams.get('requireTLS') !== 'true' ? url : null;
}

/**
 * Whether a host is another machine, so that connections to it need TLS. A host name without a dot
 * is taken for a neighbouring container, which needs none.
 */
const isElsewhere = (host: string): boolean =>
  /[.:]/.test(host) &&
  !/^127\.\d+\.\d+\.\d+$|^\[?::1\]?$/.test(host) &&
  !isLoopback({ hostname: host } as URL);
