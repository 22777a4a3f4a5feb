// Converts errors of DynamoDB, the store of the older system Conversations, to failures with a code.
import { Stopping } from '../jobs/interrupted.ts';
import { SourceFailed } from './reader.ts';

/** Converts an error of the AWS SDK to a SourceFailed. Returns an error that does not come from DynamoDB unchanged. */
export function storeFailure(error: unknown, halt: AbortSignal): unknown {
  if (halt.aborted) return new Stopping('This process stops; another one continues');
  if (!(error instanceof Error)) return error;
  const named = (text: string) => kinds.find(({ test }) => test.test(text));
  // Also search the message for the name of a known error, because the SDK wraps some errors and keeps only their
  // message.
  const known = named(`${error.name} ${codeOf(error)}`) ?? named(error.message);
  const kind = known ?? byStatus(statusOf(error));
  if (!kind && !/^E[A-Z]+$/.test(codeOf(error))) return error;
  const { code, message } = kind ?? cut;
  return new SourceFailed(code, `The store ${message} (${error.name}).`, { cause: error });
}

type Kind = { test: RegExp; code: string; message: string };

const cut = { code: 'cut', message: 'broke the connection' };
const broken = { code: 'error', message: 'answered with an error of its own' };
const refused = { code: 'refused', message: 'refuses what it is asked' };
const unreadable = { code: 'unreadable', message: 'gave an answer that cannot be read' };

const kinds: Kind[] = [
  {
    test: /Throttl|ProvisionedThroughputExceeded|RequestLimitExceeded|LimitExceeded|SlowDown/,
    code: 'throttled',
    message: 'is throttled: it asks to be read more slowly',
  },
  {
    test: /AccessDenied|UnrecognizedClient|Signature|ExpiredToken|CredentialsProvider|InvalidClientTokenId|MissingAuthentication/,
    code: 'denied',
    message: 'refuses this server. An engineer checks its role or STORE_ACCESS_KEY_ID',
  },
  {
    test: /ResourceNotFound|ValidationException/,
    code: 'no-table',
    message:
      'has no table with such keys. An engineer checks STORE_MESSAGES_TABLE and STORE_THREADS_TABLE',
  },
  {
    test: /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EPROTO|CERT|SELF_SIGNED|ERR_TLS/,
    code: 'unreachable',
    message: 'cannot be reached. An engineer checks STORE_ENDPOINT and the network',
  },
  { test: /Timeout|ETIMEDOUT/, code: 'timeout', message: 'does not answer in time' },
  { test: /ECONNRESET|EPIPE|aborted/, ...cut },
  { test: /SyntaxError/, ...unreadable },
];

const byStatus = (status: number) => {
  if (status >= 500) return broken;
  if (status >= 400) return refused;
  return status === 200 ? unreadable : null;
};

const codeOf = (error: Error) => (error as { code?: string }).code ?? '';
const statusOf = (error: Error) =>
  (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode ?? 0;
