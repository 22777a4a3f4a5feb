// Parses addresses of object storage: `file:///srv/oneway`, or
// `s3://bucket/prefix?region=eu-central-1&endpoint=https://s3.example.com`.
import { fileURLToPath } from 'node:url';

/**
 * The access keys of a store; null if AWS itself gives this machine access, by its role or by the
 * settings of AWS.
 */
export type StorageKeys = { id: string; secret: string } | null;

export type S3Address = {
  kind: 's3';
  bucket: string;
  /** The prefix of all keys in the bucket; it ends with a slash or is empty. */
  prefix: string;
  region: string;
  /** The URL of the S3 server; null for the servers of Amazon. */
  endpoint: string | null;
  keys: StorageKeys;
};

export type StorageAddress = { kind: 'folder'; path: string } | S3Address;

/** Parses an address. Returns a text that says what is wrong if the address is invalid. */
export function storageAddress(text: string, keys: StorageKeys): StorageAddress | string {
  const url = URL.parse(text);
  if (url?.protocol === 'file:') return folderAddress(url);
  if (url?.protocol === 's3:') return s3Address(url, keys);
  return 'must be a folder (file:///srv/oneway) or a bucket (s3://bucket/prefix?region=…)';
}

function folderAddress(url: URL): StorageAddress | string {
  try {
    return { kind: 'folder', path: fileURLToPath(url) };
  } catch {
    return 'must be a folder of this machine, as file:///srv/oneway';
  }
}

function s3Address(url: URL, keys: StorageKeys): StorageAddress | string {
  const unknown = [...url.searchParams.keys()].find(
    (name) => !['region', 'endpoint'].includes(name),
  );
  const endpoint = url.searchParams.get('endpoint');
  const prefix = url.pathname.replace(/^\/+|\/+$/g, '');
  // Keys in the address are refused, because addresses are logged and shown on pages.
  if (url.username || url.password) return 'must not hold keys: they have settings of their own';
  if (unknown !== undefined) return `has no option ${unknown}: there are region and endpoint`;
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(url.hostname)) {
    return 'lacks the name of a bucket: s3://bucket/prefix';
  }
  if (!/^([\w-][\w.-]*(\/[\w-][\w.-]*)*)?$/.test(prefix)) {
    return 'has a prefix with other characters than letters, digits, dots, dashes and slashes';
  }
  if (endpoint !== null && !/^https?:\/\/[^/@]+\/?$/.test(endpoint)) {
    return 'has an endpoint that is not as https://s3.example.com';
  }
  return {
    kind: 's3',
    bucket: url.hostname,
    prefix: prefix === '' ? '' : `${prefix}/`,
    region: url.searchParams.get('region') ?? 'us-east-1',
    endpoint: endpoint?.replace(/\/$/, '') ?? null,
    keys,
  };
}

/** Whether two storage addresses are equal, or one address lies below the other. */
export function overlaps(one: StorageAddress, other: StorageAddress): boolean {
  const [first, second] = [placeOf(one), placeOf(other)];
  return first.startsWith(second) || second.startsWith(first);
}

const placeOf = (address: StorageAddress) =>
  address.kind === 'folder'
    ? `file:${address.path.replace(/\/*$/, '/')}`
    : `s3:${address.endpoint ?? ''}/${address.bucket}/${address.prefix}`;
