import { Problem } from '../problems.ts';

/**
 * Why the signed API refuses a request: client programs act on the code, people read the message.
 */
export type RefusalCode =
  | 'unsigned'
  | 'malformed'
  | 'unknown_key'
  | 'revoked_key'
  | 'expired_key'
  | 'unreadable_key'
  | 'bad_signature'
  | 'missing_hash'
  | 'bad_hash'
  | 'stale'
  | 'replayed'
  | 'lacks_scope'
  | 'not_found'
  | 'version_gone'
  | 'invalid'
  | 'too_large'
  | 'too_many_requests'
  | 'unavailable'
  | 'failed';

export class ApiRefusal extends Problem {
  readonly code: RefusalCode;
  readonly headers: Record<string, string>;

  constructor(
    status: number,
    code: RefusalCode,
    message: string,
    headers: Record<string, string> = {},
  ) {
    super(status, message);
    this.code = code;
    this.headers = headers;
  }
}
