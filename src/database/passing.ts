// Which errors of a database may be gone at the next attempt.

const passing = new Set([
  'ER_LOCK_DEADLOCK',
  'ER_LOCK_WAIT_TIMEOUT',
  'ER_CHECKREAD',
  'ER_CON_COUNT_ERROR',
  'ER_SERVER_SHUTDOWN',
  'ER_CONNECTION_KILLED',
  'ER_QUERY_INTERRUPTED',
  'PROTOCOL_CONNECTION_LOST',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
]);

/** It may work at the next attempt: a lock, or a server that is away. */
export function isPassing(error: unknown): boolean {
  const { code, name = '', fatal } = error as { code?: string; name?: string; fatal?: boolean };
  return (
    passing.has(String(code)) ||
    /^Mongo(Network|ServerSelection|Pool|Topology)/.test(name) ||
    (fatal === true && code !== 'ER_ACCESS_DENIED_ERROR')
  );
}
