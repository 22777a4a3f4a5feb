// Converts errors of an S3 store to messages with a solution. The message does not quote the original error, because
// that may contain keys.
import { Unavailable } from '../problems.ts';
import type { S3Address } from './address.ts';

type Answer = { name?: string; code?: string; $metadata?: { httpStatusCode?: number } };

const answerOf = (error: unknown) => (error ?? {}) as Answer;
const statusOf = (error: unknown) => answerOf(error).$metadata?.httpStatusCode;

/**
 * Whether the error says that an object does not exist. S3 uses the name `NotFound` for every 404
 * without a body, so the bucket may be missing instead.
 */
export const isAbsence = (error: unknown) =>
  ['NoSuchKey', 'NotFound', 'NoSuchUpload'].includes(answerOf(error).name ?? '');

/** Whether the error says that the key of a conditional upload is taken. */
export const isTaken = (error: unknown) =>
  answerOf(error).name === 'PreconditionFailed' || statusOf(error) === 412;

const KEYS =
  'the settings that end in STORAGE_ACCESS_KEY_ID and STORAGE_SECRET_ACCESS_KEY (for backups BACKUPS_…)';
const RIGHTS =
  's3:ListBucket on the bucket, s3:GetObject, s3:PutObject and s3:DeleteObject on what is in it';
const URL = 'the bucket, region or endpoint in STORAGE_URL (for backups BACKUPS_URL)';

/** Messages with a solution, by the error name of S3 or the error code of Node. */
const solutions: Record<string, string> = {
  NoSuchBucket: `does not exist. Create it, or correct ${URL}`,
  NotFound: `does not exist. Create it, or correct ${URL}`,
  InvalidAccessKeyId: `does not know the access key. Correct ${KEYS}`,
  InvalidAccessKeyID: `does not know the access key. Correct ${KEYS}`,
  SignatureDoesNotMatch: `refuses the secret. Correct ${KEYS}`,
  CredentialsProviderError: `needs keys, and this machine has none. Set them: ${KEYS}`,
  ExpiredToken: 'refuses keys that have expired. Renew them',
  AccessDenied: `denies access. Give its keys ${RIGHTS}`,
  RequestTimeTooSkewed: "refuses this machine's clock. Set the clock",
  PermanentRedirect: `is in another region. Correct ${URL}`,
  AuthorizationHeaderMalformed: `is in another region. Correct ${URL}`,
  ENOTFOUND: `has an unknown host. Correct ${URL}`,
  CERT_HAS_EXPIRED: 'has an expired certificate. Renew it',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'has a self-signed certificate. Trust it with NODE_EXTRA_CA_CERTS',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'has a certificate of an unknown issuer. Trust the issuer with NODE_EXTRA_CA_CERTS',
};

const silent = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'TimeoutError',
  // The code of the error that Oneway itself throws when the store does not answer in time (TooLate in in-time.ts).
  'STATEMENT_TIMEOUT',
  'ERR_STREAM_PREMATURE_CLOSE',
];

/**
 * Converts an error of the store to a message with a solution; returns any other error unchanged.
 */
export function troubleWith({ bucket, endpoint }: S3Address, error: unknown): unknown {
  const { name = '', code = '' } = answerOf(error);
  const status = statusOf(error);
  const place = `The storage bucket ${bucket}${endpoint === null ? '' : ` at ${endpoint}`}`;
  const solution = solutions[name] ?? solutions[code] ?? (status === 403 ? denied : undefined);
  if (solution) return new Unavailable(`${place} ${solution}.`);
  if (silent.includes(name) || silent.includes(code)) {
    return new Unavailable(
      `${place} does not answer. Try again in a moment; if it stays so, start it or correct ${URL}.`,
    );
  }
  if (status === undefined) return error;
  const answer = `${status} ${name}`.trim();
  return new Unavailable(`${place} cannot do this right now (${answer}). Try again in a moment.`);
}

/** The message for a 403 response without a body, which does not say why access is denied. */
const denied = `denies access. Correct ${KEYS}, and give these keys ${RIGHTS}`;
