// Defines the field kind `secret`. A user types a secret, and no page ever shows it. Rows contain secrets encrypted
// for their environment (see access/sealing.ts). Secrets are never transferred, because every environment has its
// own.
import { hash } from 'node:crypto';
import { z } from 'zod';
import { derivedFrom, fieldEntries, type Content, type Entity, type Row } from './entity.ts';
import { AS_STORED, field, type Field, type Options, type Value } from './fields.ts';

/**
 * The parts of the text in which an encrypted secret is stored. `version` stays the same when the
 * secret is encrypted again with another key.
 */
export type SealedParts = { keyId: string; since: string; version: string; data: string };

const SEALED =
  /^sealed\.1\.([0-9a-f]{8})\.(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)\.([0-9a-f]{8})\.([\w-]{80,2000})$/;

export function sealedParts(text: unknown): SealedParts | null {
  const found = typeof text === 'string' ? SEALED.exec(text) : null;
  if (!found) return null;
  const [, keyId = '', since = '', version = '', data = ''] = found;
  return { keyId, since, version, data };
}

export const sealedText = ({ keyId, since, version, data }: SealedParts): string =>
  `sealed.1.${keyId}.${since}.${version}.${data}`;

const MASKED = /^clear\.([0-9a-f]{8})$/;

/**
 * Returns the text that a row contains instead of a secret that another program stored in clear
 * text. The text does not reveal the secret, but it changes whenever the secret changes.
 */
export const maskOf = (clear: string): string => `clear.${hash('sha256', clear).slice(0, 8)}`;

export const isMask = (value: unknown): boolean => typeof value === 'string' && MASKED.test(value);

/**
 * Returns the version of a secret, which identifies its value no matter which key encrypted it;
 * null if no secret is set.
 */
export const secretVersion = (value: Value | undefined): string | null =>
  sealedParts(value)?.version ??
  (typeof value === 'string' ? (MASKED.exec(value)?.[1] ?? null) : null);

const ROOM = 2000;

function read(stored: unknown): string | null {
  if (typeof stored !== 'string' || stored === '') return null;
  return sealedParts(stored) ? stored : maskOf(stored);
}

function store(value: string | null): string | null {
  if (value === null || value === AS_STORED) return null;
  if (sealedParts(value) || isMask(value)) return value;
  throw new TypeError('a secret must be sealed before it is stored');
}

export const secret = (options: Omit<Options, 'list' | 'search' | 'unique'> & { max: number }) =>
  field<string | null>(
    'secret',
    { ...options, optional: true, local: true },
    {
      schema: (label) =>
        z.union([z.null(), z.string().max(ROOM).optional()]).transform((typed, context) => {
          if (typed === null) return null;
          const text = (typed ?? '').trim();
          if (!sealedParts(text) && [...text].length > options.max) {
            const message = `${label} must be ${options.max} characters or fewer. It has ${[...text].length}.`;
            context.addIssue({ code: 'custom', message });
          }
          return text;
        }),
      read,
      store,
      initial: null,
      max: options.max,
    },
  );

export const isSecret = ({ kind }: Field): boolean => kind === 'secret';

/** The names of an entity’s secret fields. */
export const secretsOf = derivedFrom((entity): readonly string[] =>
  fieldEntries(entity).flatMap(([name, one]) => (isSecret(one) ? [name] : [])),
);

/** Returns what pages may show of a secret: whether it is set, and since when, if that is known. */
export const secretState = (value: Value | undefined) => ({
  isSet: secretVersion(value) !== null,
  since: sealedParts(value)?.since ?? null,
});

/**
 * Returns a row for apps and scripts. Instead of each secret, the row contains whether the secret
 * is set, and since when.
 */
export function withoutSecrets(entity: Entity, row: Row | Content): Record<string, unknown> {
  const shown: Record<string, unknown> = { ...row };
  for (const name of secretsOf(entity)) shown[name] = secretState(row[name]);
  return shown;
}
