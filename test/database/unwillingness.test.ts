// Errors that a database server causes, not the request, are sorted into classes (unreachable, locked, full …), and
// their messages say what to do.
import { describe, expect, test } from 'vitest';
import { MongoBulkWriteError, MongoNetworkError, MongoServerError } from 'mongodb';
import { SimpleError, SocketClosedUnexpectedlyError } from 'redis';
import { whyMongoRefused, whyMysqlRefused } from '../../src/database/refusals.ts';
import { isTransient, willPass } from '../../src/database/transient-errors.ts';
import { unwillingness, type Unwillingness } from '../../src/database/unwillingness.ts';
import { briefly, explainUnwilling, reasonOf } from '../../src/environments/unreachable.ts';

const kinds: Unwillingness[] = [
  'away',
  'untrusted',
  'busy',
  'crowded',
  'read-only',
  'password',
  'locked',
  'denied',
  'quota',
  'full',
];

const QUOTED = 'a value of a person';
const ofSql = (errno: number, { code = `ERROR_${errno}`, message = QUOTED, fatal = false } = {}) =>
  Object.assign(new Error(message), { errno, code, sqlMessage: message, sqlState: 'HY000', fatal });
const ofMongo = (code: number, message = QUOTED) => new MongoServerError({ code, errmsg: message });

describe('how MySQL and MariaDB errors are classified as server failures (unreachable, read-only, full …)', () => {
  test.each<[string, number, Unwillingness]>([
    ['ER_OPTION_PREVENTS_STATEMENT: read_only, super_read_only', 1290, 'read-only'],
    ['ER_READ_ONLY_MODE', 1836, 'read-only'],
    ['ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION', 1792, 'read-only'],
    ['ER_INNODB_READ_ONLY', 1874, 'read-only'],
    ['ER_OPEN_AS_READONLY', 1036, 'read-only'],
    ['ER_CANT_UPDATE_WITH_READLOCK', 1223, 'read-only'],
    ['ER_ACCESS_DENIED_ERROR', 1045, 'password'],
    ['ER_ACCESS_DENIED_NO_PASSWORD_ERROR', 1698, 'password'],
    ['ER_ACCOUNT_HAS_BEEN_LOCKED of MySQL', 3118, 'locked'],
    ['ER_ACCOUNT_HAS_BEEN_LOCKED of MariaDB', 4151, 'locked'],
    ['ER_USER_IS_BLOCKED of MariaDB', 4150, 'locked'],
    ['ER_USER_ACCESS_DENIED_FOR_USER_ACCOUNT_BLOCKED_BY_PASSWORD_LOCK', 3955, 'locked'],
    ['ER_MUST_CHANGE_PASSWORD', 1820, 'locked'],
    ['ER_MUST_CHANGE_PASSWORD_LOGIN', 1862, 'locked'],
    ['ER_HOST_IS_BLOCKED', 1129, 'locked'],
    ['ER_HOST_NOT_PRIVILEGED', 1130, 'locked'],
    ['ER_DBACCESS_DENIED_ERROR', 1044, 'denied'],
    ['ER_TABLEACCESS_DENIED_ERROR', 1142, 'denied'],
    ['ER_COLUMNACCESS_DENIED_ERROR', 1143, 'denied'],
    ['ER_SPECIFIC_ACCESS_DENIED_ERROR', 1227, 'denied'],
    ['ER_USER_LIMIT_REACHED', 1226, 'quota'],
    ['ER_CON_COUNT_ERROR', 1040, 'crowded'],
    ['ER_TOO_MANY_USER_CONNECTIONS', 1203, 'crowded'],
    ['ER_DISK_FULL', 1021, 'full'],
    ['ER_RECORD_FILE_FULL', 1114, 'full'],
    ['ER_LOCK_WAIT_TIMEOUT: rows and tables', 1205, 'busy'],
    ['ER_LOCK_DEADLOCK', 1213, 'busy'],
    ['ER_SERVER_SHUTDOWN', 1053, 'away'],
    ['ER_QUERY_INTERRUPTED', 1317, 'away'],
    ['ER_CONNECTION_KILLED of MariaDB', 1927, 'away'],
    ['ER_STATEMENT_TIMEOUT of MariaDB', 1969, 'away'],
    ['ER_QUERY_TIMEOUT of MySQL', 3024, 'away'],
    ['ER_SERVER_OFFLINE_MODE', 3032, 'away'],
  ])(
    'the MySQL error %s (%i) is classified as the server failure “%s” (F11, F12, walk 2)',
    (_name, errno, kind) => {
      expect(unwillingness(ofSql(errno))).toBe(kind);
      // Only the number of an error decides, not its name: the driver takes names from MySQL’s
      // list, even when MariaDB sent the error.
      expect(unwillingness(ofSql(errno, { code: 'ER_MISNAMED', fatal: true }))).toBe(kind);
    },
  );

  test.each<[string, Unwillingness | null]>([
    ['Got error 28 "No space left on device" from storage engine InnoDB', 'full'],
    ['Got error 122 "Disk quota exceeded" from storage engine InnoDB', 'full'],
    ['Got error 30 "Read-only file system" from storage engine Aria', 'read-only'],
    ['Got error 168 "Unknown (generic) error from engine"', null],
  ])(
    'the MySQL error ER_GET_ERRNO is classified by the operating system error in its text: %s (F11)',
    (message, kind) => {
      expect(unwillingness(ofSql(1030, { message }))).toBe(kind);
    },
  );

  test.each([1054, 1062, 1146, 1292, 1364, 1406, 1451, 1452, 1644])(
    'the MySQL error %i is caused by a row or statement, so it is not classified as a server failure',
    (errno) => {
      expect(unwillingness(ofSql(errno))).toBeNull();
    },
  );

  test.each(['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'EAI_AGAIN', 'STATEMENT_TIMEOUT'])(
    'a MySQL connection that failed with %s is classified as unreachable (walk 1)',
    (code) => {
      const error = Object.assign(new Error('x'), { code });
      expect(unwillingness(error)).toBe('away');
      expect(unwillingness(new Error('wrapped', { cause: error }))).toBe('away');
    },
  );

  test('a MySQL error that closed the connection and has no code is classified as unreachable', () => {
    expect(unwillingness(Object.assign(new Error('x'), { fatal: true }))).toBe('away');
  });
});

describe('how MongoDB errors are classified as server failures (unreachable, read-only, full …)', () => {
  test.each<[string, number, Unwillingness]>([
    ['NotWritablePrimary', 10_107, 'read-only'],
    ['NotPrimaryNoSecondaryOk', 13_435, 'read-only'],
    ['Unauthorized', 13, 'denied'],
    ['AuthenticationFailed', 18, 'password'],
    ['MaxTimeMSExpired', 50, 'away'],
    ['ExceededTimeLimit', 262, 'away'],
    ['ShutdownInProgress', 91, 'away'],
    ['InterruptedDueToReplStateChange', 11_602, 'away'],
    ['PrimarySteppedDown', 189, 'away'],
    ['WriteConcernFailed', 64, 'away'],
    ['LockTimeout', 24, 'busy'],
    ['WriteConflict', 112, 'busy'],
    ['OutOfDiskSpace', 14_031, 'full'],
    ['AtlasError: over the space quota', 8000, 'full'],
  ])(
    'the MongoDB error %s (%i) is classified as the server failure “%s”, even inside a bulk write (F11)',
    (_name, code, kind) => {
      expect(unwillingness(ofMongo(code))).toBe(kind);
      const bulk = new MongoBulkWriteError({ code, message: QUOTED, writeErrors: [] }, {} as never);
      expect(unwillingness(bulk)).toBe(kind);
    },
  );

  test('a failed MongoDB connection is classified as unreachable, or as a wrong password when a refused sign-in caused it', () => {
    expect(unwillingness(new MongoNetworkError('x'))).toBe('away');
    expect(unwillingness(new MongoNetworkError('x', { cause: ofMongo(18) }))).toBe('password');
  });

  test.each([121, 11_000])(
    'the MongoDB error %i is caused by a document, so it is not classified as a server failure',
    (code) => {
      expect(unwillingness(ofMongo(code))).toBeNull();
    },
  );
});

describe('how Redis errors are classified as server failures (unreachable, read-only, full …)', () => {
  test.each<[string, Unwillingness]>([
    ["READONLY You can't write against a read only replica.", 'read-only'],
    ['MISCONF Redis is configured to save RDB snapshots', 'read-only'],
    ["OOM command not allowed when used memory > 'maxmemory'.", 'full'],
    ['NOAUTH Authentication required.', 'password'],
    ['WRONGPASS invalid username-password pair', 'password'],
    ['NOPERM this user has no permissions', 'denied'],
    ['LOADING Redis is loading the dataset in memory', 'away'],
    ['ERR max number of clients reached', 'crowded'],
  ])('the Redis error “%s” is classified as the server failure “%s” (F11)', (message, kind) => {
    expect(unwillingness(new SimpleError(message))).toBe(kind);
  });

  test('a lost Redis connection is classified as unreachable, and an unknown Redis command is not classified as a server failure', () => {
    expect(unwillingness(new SocketClosedUnexpectedlyError())).toBe('away');
    expect(unwillingness(new SimpleError('ERR unknown command'))).toBeNull();
    expect(unwillingness(new Error('READONLY is a word'))).toBeNull();
  });
});

test('for each server failure, Oneway knows whether a retry may succeed and whether the failure ends without the help of a person', () => {
  const at = (errno: number) => [isTransient(ofSql(errno)), willPass(ofSql(errno))];
  expect(at(1205)).toEqual([true, true]);
  expect(at(1040)).toEqual([true, true]);
  expect(at(1290)).toEqual([false, true]);
  expect(at(1226)).toEqual([false, true]);
  expect(at(1142)).toEqual([false, false]);
  expect(isTransient(ofMongo(10_107))).toBe(true);
});

test.each(kinds)(
  'the message for the server failure “%s” says to try again or ask an engineer; the short one for monitoring quotes no text',
  (kind) => {
    const text = explainUnwilling(kind, 'Pre-production', 'SQL_DB_*');
    expect(text).toMatch(/^Pre-production .*(Try again|engineer)/);
    expect(briefly[kind]).not.toMatch(/['"@]/);
  },
);

describe('the messages that people see when a database refuses to store a row', () => {
  test.each([
    [1292, "Incorrect datetime value: '+275760' for column `db`.`banner`.`start` at row 1"],
    [1406, "Data too long for column 'text' at row 1"],
    [1062, "Duplicate entry 'a value' for key 'name'"],
    [1364, "Field 'name' doesn't have a default value"],
    [9999, 'something new'],
  ])(
    'the message for MySQL error %i names at most the field and never quotes MySQL’s own text (C2)',
    (errno, message) => {
      const text = whyMysqlRefused(ofSql(errno, { message })) ?? '';
      expect(text).not.toBe('');
      for (const quoted of ['Incorrect', '275760', '`', 'at row', 'Duplicate', 'new']) {
        expect(text).not.toContain(quoted);
      }
      expect(reasonOf(ofSql(errno, { message }))).toContain(text);
    },
  );

  test('the message for a refusal by a database trigger quotes the trigger’s own text', () => {
    expect(whyMysqlRefused(ofSql(1644, { message: 'tasks are frozen' }))).toBe(
      'a trigger there does not allow it: “tasks are frozen”',
    );
  });

  test('the message for a MongoDB error does not quote MongoDB’s own text (C2)', () => {
    const text = whyMongoRefused(ofMongo(11_000, 'E11000 duplicate key error { name: "x" }'));
    expect(text).toBe('a value that must be unique is taken there');
    expect(whyMongoRefused(new Error('x'))).toBeNull();
  });
});

test.each([
  ['HANDSHAKE_SSL_ERROR', 'self-signed certificate in certificate chain', 'untrusted'],
  ['HANDSHAKE_SSL_ERROR', 'read ECONNRESET', 'away'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'unable to verify the first certificate', 'untrusted'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'does not match certificate’s altnames', 'untrusted'],
])(
  'a failed TLS handshake with code %s, “%s”, is classified as %s (F11)',
  (code, message, kind) => {
    const error = Object.assign(new Error(message), { code, fatal: true });
    expect(unwillingness(error)).toBe(kind);
    expect(unwillingness(new MongoNetworkError(message, { cause: error }))).toBe(kind);
  },
);
