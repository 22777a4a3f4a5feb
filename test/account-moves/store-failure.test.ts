import { expect, test } from 'vitest';
import { ofWholeSource, type SourceFailed } from '../../src/account-moves/reader.ts';
import { storeFailure } from '../../src/account-moves/store-failure.ts';

const never = new AbortController().signal;
const error = (name: string, also: object = {}) =>
  Object.assign(new Error('as sent'), { name }, also);
const status = (httpStatusCode: number) => ({ $metadata: { httpStatusCode } });

test.each<[Error, string]>([
  [error('ThrottlingException', status(400)), 'throttled'],
  [error('RequestLimitExceeded', status(400)), 'throttled'],
  [error('ExpiredTokenException', status(400)), 'denied'],
  [error('UnrecognizedClientException', status(400)), 'denied'],
  [error('InvalidSignatureException', status(400)), 'denied'],
  [error('CredentialsProviderError'), 'denied'],
  [error('ValidationException', status(400)), 'no-table'],
  [error('KMSInvalidStateException', status(400)), 'refused'],
  [error('ServiceUnavailable', status(503)), 'error'],
  [error('Error', { code: 'ENOTFOUND' }), 'unreachable'],
  [error('Error', { code: 'EPROTO' }), 'unreachable'],
  [error('Error', { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }), 'unreachable'],
  [error('Error', { code: 'ECONNRESET' }), 'cut'],
  [error('Error', { code: 'ENOBUFS' }), 'cut'],
  [error('TimeoutError'), 'timeout'],
])(
  'the error “%s” of the store (DynamoDB) is converted to the failure code “%s”',
  (given, code) => {
    expect((storeFailure(given, never) as SourceFailed).code).toBe(code);
  },
);

test('the name of a DynamoDB error decides its failure code, even if the message contains the name of another error', () => {
  const denied = error('AccessDeniedException', { message: 'role Throttling-ECONNRESET' });
  expect(storeFailure(denied, never)).toMatchObject({ code: 'denied' });
  expect(ofWholeSource).toContain('denied');
});

test('storeFailure returns an error that does not come from DynamoDB unchanged', () => {
  const fault = new TypeError('x is not a function');
  expect(storeFailure(fault, never)).toBe(fault);
});
