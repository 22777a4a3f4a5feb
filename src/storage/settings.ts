// Parses the settings of object storage: for the store of this environment, of its destination, and of the refresh
// source (production).
import { overlaps, storageAddress, type StorageAddress, type StorageKeys } from './address.ts';

export type StorageSettings = {
  stores: Record<'own' | 'destination' | 'source', StorageAddress>;
  /**
   * An unused image is deleted after this many days. Null if the setting is missing: then no image is deleted. The
   * setting must be missing if other environments use the same store.
   */
  sweepAfterDays: number | null;
};

type Variables = Record<string, string | undefined>;
type Neighbours = Record<'destination' | 'source', boolean>;
const prefixes = { own: '', destination: 'UNI_DIR_DESTINATION_', source: 'REFRESH_SOURCE_' };

const SWEEP = 'STORAGE_SWEEP_AFTER_DAYS';

export const storageVariables = [
  ...Object.values(prefixes).flatMap((prefix) => [
    `${prefix}STORAGE_URL`,
    `${prefix}STORAGE_ACCESS_KEY_ID`,
    `${prefix}STORAGE_SECRET_ACCESS_KEY`,
  ]),
  SWEEP,
];

/** Parses the settings of the stores. Returns the settings, and a message for each wrong one. */
export function storageSettings(
  variables: Variables,
  neighbours: Neighbours,
): { storage: StorageSettings; wrong: string[] } {
  const wrong = Object.values(prefixes).flatMap((prefix) => halfKeys(variables, prefix));
  const addressAt = (prefix: string): StorageAddress => {
    // By default, the destination and the refresh source use the store and the keys of this environment.
    const name = variables[`${prefix}STORAGE_URL`] ? `${prefix}STORAGE_URL` : 'STORAGE_URL';
    const url = variables[name];
    const keys = keysAt(variables, prefix) ?? keysAt(variables, '');
    const address = url ? storageAddress(url, keys) : 'is missing';
    if (typeof address !== 'string') return address;
    wrong.push(`${name}: ${address}`);
    return { kind: 'folder', path: '' };
  };
  const stores = {
    own: addressAt(prefixes.own),
    destination: addressAt(prefixes.destination),
    source: addressAt(prefixes.source),
  };
  const days = Number(variables[SWEEP] || Number.NaN);
  if (variables[SWEEP]) {
    if (!Number.isInteger(days) || days < 1) wrong.push(`${SWEEP}: must be a number of days`);
    wrong.push(...sharedStores(stores, neighbours));
  }
  const sweepAfterDays = Number.isNaN(days) ? null : days;
  return { storage: { stores, sweepAfterDays }, wrong: [...new Set(wrong)] };
}

const keyNames = (prefix: string): [string, string] => [
  `${prefix}STORAGE_ACCESS_KEY_ID`,
  `${prefix}STORAGE_SECRET_ACCESS_KEY`,
];

function keysAt(variables: Variables, prefix: string): StorageKeys {
  const [id, secret] = keyNames(prefix).map((name) => variables[name]);
  return id && secret ? { id, secret } : null;
}

function halfKeys(variables: Variables, prefix: string): string[] {
  const names = keyNames(prefix);
  const given = names.filter((name) => variables[name]);
  return given.length === 1 ? [`${names.join(' and ')}: give both or none`] : [];
}

/**
 * Returns an error if the destination, or the refresh source, uses the same store as this environment, because the
 * cleanup of unused images would then delete images of that other environment.
 */
const sharedStores = (stores: StorageSettings['stores'], neighbours: Neighbours): string[] =>
  (['destination', 'source'] as const)
    .filter((one) => neighbours[one] && overlaps(stores.own, stores[one]))
    .map(
      (one) =>
        `${SWEEP}: ${prefixes[one]}STORAGE_URL leads to this environment's own store. ` +
        'Remove this setting, or give each environment a store of its own',
    );
