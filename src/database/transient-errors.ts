// Which database errors may succeed on a retry.

const transient = new Set([
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
  'STATEMENT_TIMEOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
]);

// MongoDB: cursor lost, not primary, shutting down, interrupted by a shutdown.
const transientMongo = new Set([43, 91, 189, 237, 10_107, 11_600, 11_602, 13_435, 13_436]);

/** Whether a retry may succeed: a lock, or a server that is away. */
export function isTransient(error: unknown): boolean {
  const { code, name = '', fatal } = error as { code?: string; name?: string; fatal?: boolean };
  return (
    transient.has(String(code)) ||
    (name === 'MongoServerError' && transientMongo.has(Number(code))) ||
    /^(ClientOffline|ClientClosed|DisconnectsClient|SocketClosedUnexpectedly)Error$/.test(
      // The redis client's errors carry no code, only a class.
      error instanceof Error ? error.constructor.name : '',
    ) ||
    /^Mongo(Network|ServerSelection|Pool|Topology)/.test(name) ||
    (fatal === true && code !== 'ER_ACCESS_DENIED_ERROR')
  );
}

const full = new Set(['ER_RECORD_FILE_FULL', 'ER_DISK_FULL', 'ER_GET_ERRNO']);
/** MongoDB: out of disk space. */
const FULL_MONGO = 14_031;

/** The server's disk is full: the write must wait until there is room. */
export function isFull(error: unknown): boolean {
  const { code } = error as { code?: string | number };
  return full.has(String(code)) || code === FULL_MONGO;
}
