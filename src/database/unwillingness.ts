// Classifies errors of MySQL, MariaDB, MongoDB and Redis that the request did not cause. For example, the server is
// unreachable, read-only or full, or the account is locked.

export type Unwillingness =
  /** The server does not answer, or there is no connection to it. */
  | 'away'
  /** The server shows no certificate that this program trusts. */
  | 'untrusted'
  /** Another session holds a lock. */
  | 'busy'
  /** The allowed number of connections is used up. */
  | 'crowded'
  /** The server answers reads but accepts no changes. */
  | 'read-only'
  /** The user name or password with which Oneway signs in to the server is wrong. */
  | 'password'
  /** Oneway’s account on the server is locked, or its password has expired. */
  | 'locked'
  /** Oneway’s account on the server lacks a right. */
  | 'denied'
  /** Oneway’s account on the server has used up an hourly limit, such as the limit on queries. */
  | 'quota'
  /** The disk, its quota or the memory is full. */
  | 'full';

// MySQL errors are classified by number: above 3000 the names of errors differ between MySQL and
// MariaDB, and the driver knows only MySQL’s names.
const numbersOfSql: Record<Unwillingness, number[]> = {
  away: [
    1053, 1077, 1078, 1079, 1080, 1152, 1154, 1158, 1159, 1160, 1161, 1184, 1317, 1927, 1969, 3024,
    3032, 3168, 3169, 4031,
  ],
  untrusted: [],
  busy: [1020, 1099, 1205, 1206, 1213, 3572],
  crowded: [1040, 1135, 1203],
  'read-only': [1036, 1223, 1290, 1792, 1836, 1874, 3100],
  password: [1045, 1251, 1524, 1698],
  locked: [1129, 1130, 1820, 1862, 3118, 3955, 4150, 4151],
  denied: [1044, 1095, 1142, 1143, 1227, 1370, 1410, 1419],
  quota: [1226],
  full: [1021, 1037, 1038, 1041, 1114, 3675],
};

const numbersOfMongo: Record<Unwillingness, number[]> = {
  away: [6, 7, 43, 50, 64, 89, 91, 100, 136, 175, 189, 202, 237, 262, 9001, 11_600, 11_601, 11_602],
  untrusted: [],
  busy: [24, 46, 112, 117, 225, 251],
  crowded: [317, 365],
  'read-only': [10_058, 10_107, 13_435, 13_436],
  password: [18, 334],
  locked: [11],
  denied: [13, 33],
  quota: [462],
  full: [146, 8000, 12_501, 14_031],
};

const byNumber = (numbers: Record<Unwillingness, number[]>) =>
  new Map(
    Object.entries(numbers).flatMap(([kind, own]) =>
      own.map((number) => [number, kind as Unwillingness] as const),
    ),
  );
const ofSql = byNumber(numbersOfSql);
const ofMongo = byNumber(numbersOfMongo);

const ofCertificates = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  // The code of the MySQL driver when the server offers no TLS.
  'HANDSHAKE_NO_SSL_SUPPORT',
]);

/**
 * Whether an error concerns the server’s certificate. The MySQL driver gives every failed TLS
 * handshake the same code, so the message decides.
 */
const isOfCertificate = (code: unknown, message: unknown) =>
  ofCertificates.has(String(code)) ||
  (code === 'HANDSHAKE_SSL_ERROR' && /certificate|altnames/i.test(String(message)));

const ofSockets = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'PROTOCOL_CONNECTION_LOST',
  'PROTOCOL_SEQUENCE_TIMEOUT',
  'STATEMENT_TIMEOUT',
  'POOL_CLOSED',
]);

/**
 * Which server failure an error name means. This map is for errors that the MySQL driver raises itself or passes on
 * without a number.
 */
const ofNames = new Map<string, Unwillingness>([
  ['ER_LOCK_DEADLOCK', 'busy'],
  ['ER_LOCK_WAIT_TIMEOUT', 'busy'],
  ['ER_CHECKREAD', 'busy'],
  ['ER_CON_COUNT_ERROR', 'crowded'],
  ['ER_SERVER_SHUTDOWN', 'away'],
  ['ER_CONNECTION_KILLED', 'away'],
  ['ER_QUERY_INTERRUPTED', 'away'],
  ['ER_ACCESS_DENIED_ERROR', 'password'],
  ['ER_OPTION_PREVENTS_STATEMENT', 'read-only'],
  ['ER_READ_ONLY_MODE', 'read-only'],
  ['ER_DISK_FULL', 'full'],
  ['ER_RECORD_FILE_FULL', 'full'],
]);

/** Which server failure a Redis error means, by the first word of its message. */
const ofRedis = new Map<string, Unwillingness>([
  ['READONLY', 'read-only'],
  ['MISCONF', 'read-only'],
  ['NOREPLICAS', 'read-only'],
  ['OOM', 'full'],
  ['NOAUTH', 'password'],
  ['WRONGPASS', 'password'],
  ['NOPERM', 'denied'],
  ['LOADING', 'away'],
  ['MASTERDOWN', 'away'],
  ['CLUSTERDOWN', 'away'],
  ['TRYAGAIN', 'busy'],
  ['BUSY', 'busy'],
]);

/** Classifies an error that the request did not cause; returns null for every other error. */
export function unwillingness(error: unknown): Unwillingness | null {
  if (typeof error !== 'object' || error === null) return null;
  const { code, message, cause } = error as { code?: unknown; message?: unknown; cause?: unknown };
  if (isOfCertificate(code, message)) return 'untrusted';
  if (typeof code === 'string' && ofSockets.has(code)) return 'away';
  if (isFromMongo(error)) return kindOfMongo(error as MongoTrouble);
  const own = kindOfSql(error) ?? (error instanceof Error ? kindOfRedis(error) : null);
  return own ?? unwillingness(cause);
}

export const isUnwilling = (error: unknown): boolean => unwillingness(error) !== null;

/** Whether the error occurred because this process closed its connections while shutting down. */
export const isClosed = (error: unknown): boolean =>
  error instanceof Error &&
  (error.message.startsWith('Pool is closed') || error.name === 'MongoClientClosedError');

export const isFromMongo = (error: unknown): boolean =>
  String((error as { name?: unknown } | null)?.name).startsWith('Mongo');

type SqlTrouble = {
  code?: unknown;
  errno?: unknown;
  fatal?: boolean;
  sqlMessage?: string;
  message?: string;
};

function kindOfSql({ code, errno, fatal, sqlMessage, message = '' }: SqlTrouble) {
  const number = Number(errno);
  if (number === 1030 || number === 1026 || number === 3 || code === 'ER_GET_ERRNO') {
    return kindOfErrno(sqlMessage ?? message);
  }
  const known = ofSql.get(number) ?? ofNames.get(String(code));
  if (known) return known;
  // A fatal error without a known code means that the connection was lost.
  return fatal === true || /^(Pool is closed|No connections available)/.test(message)
    ? 'away'
    : null;
}

/**
 * Classifies by the operating system’s error number in a message such as `Got error 28 "No space
 * left on device" from storage engine`. 122 means that a disk quota is used up, 135 that a file is
 * full.
 */
const kindOfErrno = (message: string): Unwillingness | null =>
  /\b(28|122|132|135)\b/.test(message) ? 'full' : /\b(30|165)\b/.test(message) ? 'read-only' : null;

type MongoTrouble = { code?: unknown; name: string; message: string; cause?: unknown };

function kindOfMongo({ code, name, message, cause }: MongoTrouble): Unwillingness | null {
  const known = ofMongo.get(Number(code));
  if (known) return known;
  // When MongoDB refuses the sign-in, its driver reports an error of the connection pool, and the refusal is the cause
  // of that error.
  const within = unwillingness(cause);
  if (within) return within;
  if (/not (authorized|allowed)|requires authentication/i.test(message)) return 'denied';
  if (/quota|over your space|disk space|too full/i.test(message)) return 'full';
  if (name === 'MongoWaitQueueTimeoutError') return 'crowded';
  return /^Mongo(Network|ServerSelection|Pool|Topology|NotConnected|OperationTimeout|ServerClosed|ClientClosed|ExpiredSession)/.test(
    name,
  )
    ? 'away'
    : null;
}

export const isFromRedis = (error: unknown): boolean =>
  error instanceof Error && !isFromMongo(error) && kindOfRedis(error) !== null;

/** The class names of Redis errors that mean a lost connection; these errors have no code. */
const goneFromRedis =
  /^(ClientOffline|ClientClosed|DisconnectsClient|SocketClosedUnexpectedly|ConnectionTimeout|SocketTimeout|ReconnectStrategy|RootNodesUnavailable|Abort|Timeout)/;

function kindOfRedis({ constructor: { name }, message }: Error): Unwillingness | null {
  if (goneFromRedis.test(name)) return 'away';
  if (!/^(Simple|Blob)Error$|^(Multi)?ErrorReply$|^ReplyError$/.test(name)) return null;
  if (message.startsWith('ERR max number of clients')) return 'crowded';
  return ofRedis.get(message.split(' ', 1)[0] ?? '') ?? null;
}
