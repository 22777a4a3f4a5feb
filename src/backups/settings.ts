// The backup settings: where backups are stored, for which client, and who can decrypt them.
import { storageAddress, type StorageAddress, type StorageKeys } from '../storage/address.ts';

export type BackupSettings = {
  /** The address of the backup store, which contains the backups of all clients; null when it is not set. */
  store: StorageAddress | null;
  /** The client (company) whose databases this program backs up; null if it makes no backups. */
  client: string | null;
  /**
   * The public key (`age1…`) that age encrypts backups with; null when backups are not encrypted.
   */
  recipient: string | null;
  /** The private key (`AGE-SECRET-KEY-…`) that decrypts backups; null when it is not set. */
  identity: string | null;
};

type Variables = Record<string, string | undefined>;

const KEYS = ['BACKUPS_ACCESS_KEY_ID', 'BACKUPS_SECRET_ACCESS_KEY'] as const;

export const backupVariables = [
  'BACKUPS_URL',
  'BACKUPS_MINIO_BUCKET',
  ...KEYS,
  'BACKUPS_CLIENT',
  'BACKUPS_RECIPIENT',
  'BACKUPS_IDENTITY',
];

/** The name of a client, such as `cosmos`; it becomes part of database names. */
const CLIENT = /^[a-z0-9]+(-[a-z0-9]+)*$/;

/**
 * Parses the backup settings. Returns the settings, and in `wrong` a message for each wrong
 * setting.
 */
export function backupSettings(variables: Variables): {
  backups: BackupSettings;
  wrong: string[];
} {
  const wrong: string[] = [];
  const given = (name: string) => variables[name] || null;
  const checked = (name: string, pattern: RegExp, example: string) => {
    const value = given(name);
    if (value !== null && !pattern.test(value)) wrong.push(`${name}: must be as ${example}`);
    return value;
  };
  const client = checked('BACKUPS_CLIENT', CLIENT, 'cosmos');
  const store = storeOf(variables, wrong);
  if (client && !store) wrong.push('BACKUPS_URL: is missing beside BACKUPS_CLIENT');
  return {
    backups: {
      store,
      client,
      recipient: checked('BACKUPS_RECIPIENT', /^age1[a-z0-9]{20,}$/, 'age1…'),
      identity: checked('BACKUPS_IDENTITY', /^AGE-SECRET-KEY-1[A-Z0-9]{20,}$/, 'AGE-SECRET-KEY-1…'),
    },
    wrong,
  };
}

/**
 * Parses BACKUPS_URL, the address of the backup store: `file:///srv/backups` (a folder of buckets),
 * or an S3 server. If the address is wrong, adds a message to `wrong` and returns null.
 */
function storeOf(variables: Variables, wrong: string[]): StorageAddress | null {
  const text = variables['BACKUPS_URL'];
  if (!text) return null;
  const bucket = variables['BACKUPS_MINIO_BUCKET'] ?? '';
  const [id, secret] = KEYS.map((name) => variables[name]);
  if (!id !== !secret) wrong.push(`${KEYS.join(' and ')}: give both or none`);
  const keys: StorageKeys = id && secret ? { id, secret } : null;
  const url = URL.parse(text);
  const address =
    url?.protocol === 'file:'
      ? storageAddress(`${text.replace(/\/*$/, '')}/${bucket}`, null)
      : s3Address(url, bucket, keys);
  if (typeof address !== 'string') return address;
  wrong.push(`BACKUPS_URL: ${address}`);
  return null;
}

function s3Address(url: URL | null, bucket: string, keys: StorageKeys): StorageAddress | string {
  if (url === null || !/^https?:$/.test(url.protocol) || url.pathname !== '/') {
    return 'must be a folder (file:///srv/backups) or an S3 server (https://s3.example.com?region=eu-central-1)';
  }
  const options = new URLSearchParams(url.searchParams);
  options.set('endpoint', `${url.protocol}//${url.host}`);
  if (url.username || url.password) return 'must not hold keys: they have settings of their own';
  return storageAddress(`s3://${bucket}?${options.toString()}`, keys);
}
