// The program parses all settings at once, and refuses wrong settings with one line for each.
import { describe, expect, test } from 'vitest';
import { BadSettings, parseSettings } from '../src/settings.ts';

const databases = (prefix: string, name: string) =>
  Object.fromEntries(
    ['SQL', 'NOSQL'].flatMap((kind) => [
      [`${prefix}${kind}_DB_NAME`, name],
      [`${prefix}${kind}_DB_USER`, 'oneway'],
      [`${prefix}${kind}_DB_PASSWORD`, 'not a secret'],
      [`${prefix}${kind}_DB_HOST`, '127.0.0.1'],
    ]),
  );

const complete = {
  ENVIRONMENT: 'staging',
  REDIS_URL: 'redis://127.0.0.1:6379',
  SESSION_SECRET: 'a session secret of 32 characters or more',
  STORAGE_URL: 'file:///srv/oneway/staging',
  SUPPORTED_DATABASE_VERSION: '1.0.0',
  ...databases('', 'staging'),
};

/** Returns the lines of the error message for wrong settings; none if all settings are valid. */
function refusal(changes: Record<string, string | undefined>): string[] {
  try {
    parseSettings({ ...complete, ...changes });
  } catch (error) {
    if (error instanceof BadSettings) return error.message.split('\n  ').slice(1);
    throw error;
  }
  return [];
}

test('settings have defaults; without database settings the destination and the source of refreshes are null', () => {
  expect(parseSettings(complete)).toMatchObject({
    environment: 'staging',
    port: 3000,
    logLevel: 'info',
    isStagingAlways: false,
    sql: { name: 'staging', host: '127.0.0.1', port: 3306 },
    nosql: { port: 27_017 },
    destination: null,
    source: null,
    singleSignOn: null,
    indexer: null,
  });
});

test('the database settings of a destination are read, and a missing port gets its default', () => {
  const given = {
    ...databases('UNI_DIR_DESTINATION_', 'preprod'),
    UNI_DIR_DESTINATION_SQL_DB_PORT: '3307',
  };
  expect(parseSettings({ ...complete, ...given }).destination).toMatchObject({
    sql: { name: 'preprod', port: 3307 },
    nosql: { name: 'preprod', port: 27_017 },
  });
});

test('the error message lists every wrong setting once', () => {
  const lines = refusal({
    ENVIRONMENT: 'prod',
    PORT: 'http',
    SESSION_SECRET: '',
    SQL_DB_NAME: undefined,
    ...databases('REFRESH_SOURCE_', 'production'),
    REFRESH_SOURCE_NOSQL_DB_HOST: '',
    WEBHOOK_APP_URL: 'app.example.com',
    WEBHOOK_APP_SECRET: 'a webhook secret of 32 characters or more',
  });
  expect(lines.map((line) => line.split(':')[0])).toEqual([
    'ENVIRONMENT',
    'PORT',
    'SESSION_SECRET',
    'SQL_DB_NAME',
    'REFRESH_SOURCE_NOSQL_DB_HOST',
    'WEBHOOK_APP_URL',
  ]);
});

test('a group of settings of which only some are set is refused', () => {
  const lines = refusal({ INDEXER_URL: 'https://indexer.example.com', OIDC_CLIENT_ID: 'oneway' });
  expect(lines.map((line) => line.split(':')[0])).toEqual([
    'OIDC_ISSUER',
    'OIDC_CLIENT_SECRET',
    'ENVIRONMENT_URLS',
    'INDEXER_URL and INDEXER_SECRET',
  ]);
});

test('an environment whose destination is its own database is refused, even under another name of the same server', () => {
  const own = databases('UNI_DIR_DESTINATION_', 'staging');
  expect(refusal({ ...own, UNI_DIR_DESTINATION_SQL_DB_HOST: 'LOCALHOST' })).toEqual([
    "UNI_DIR_DESTINATION_SQL_DB_*: this is the environment's own database",
    "UNI_DIR_DESTINATION_NOSQL_DB_*: this is the environment's own database",
  ]);
});

test.each([
  ['SESSION_SECRET', 'too short'],
  ['METRICS_TOKEN', 'too short'],
  ['REDIS_URL', 'http://127.0.0.1'],
])(
  'a wrong value of the setting %s is reported in one line with the setting’s name',
  (name, value) => {
    expect(refusal({ [name]: value })).toEqual([expect.stringMatching(`^${name}: `)]);
  },
);

describe('connections to other machines', () => {
  test.each([
    ['SQL_DB_HOST', 'db.example.com', 'SQL_DB_TLS'],
    ['NOSQL_DB_HOST', '10.0.0.5', 'NOSQL_DB_TLS'],
    ['REDIS_URL', 'redis://cache.example.com:6379', 'REDIS_URL'],
    ['STORAGE_URL', 's3://bucket?endpoint=http://s3.example.com', 'STORAGE_URL'],
    ['SLACK_ONCALL_URL', 'http://hooks.example.com/T1', 'SLACK_ONCALL_URL'],
    ['SQL_DB_HOST', 'localhost.example.com', 'SQL_DB_TLS'],
    ['NOSQL_DB_HOST', '2001:db8::5', 'NOSQL_DB_TLS'],
  ])(
    'the setting %s=%s without TLS is refused, unless the network is declared private (C8)',
    (name, value, setting) => {
      const [line = ''] = refusal({ [name]: value });
      expect(line).toMatch(new RegExp(`^${setting}: must be .*PLAIN_CONNECTIONS_TO`));
      expect(line).not.toContain('T1');
      const host = URL.parse(value)?.searchParams.get('endpoint') ?? value;
      const named = host.replace(/^\w+:\/\//, '').replace(/(?<=\.\w+)[:/].*$/, '');
      expect(refusal({ [name]: value, PLAIN_CONNECTIONS_TO: `a.example.com, ${named}` })).toEqual(
        [],
      );
    },
  );

  test('connections to the indexer, the mail server and the destination must use TLS, too (C8)', () => {
    const secret = 'a secret of 32 characters or more, really';
    const given = {
      INDEXER_URL: 'http://indexer.example.com',
      INDEXER_SECRET: secret,
      SMTP_URL: 'smtp://mail.example.com',
      MAIL_FROM: 'oneway@example.com',
      ...databases('UNI_DIR_DESTINATION_', 'preprod'),
      UNI_DIR_DESTINATION_SQL_DB_HOST: 'preprod.example.com',
    };
    expect(refusal(given).map((line) => line.split(':')[0])).toEqual([
      'INDEXER_URL',
      'SMTP_URL',
      'UNI_DIR_DESTINATION_SQL_DB_TLS',
    ]);
    const encrypted = {
      INDEXER_URL: 'https://indexer.example.com',
      SMTP_URL: 'smtp://mail.example.com?requireTLS=true',
      UNI_DIR_DESTINATION_SQL_DB_TLS: 'true',
    };
    expect(refusal({ ...given, ...encrypted })).toEqual([]);
  });

  test.each(['127.0.0.1', '127.1.2.3', 'localhost', '::1', 'mysql'])(
    'the host %s is on this machine or its private network, so no TLS is required (C8)',
    (host) => {
      expect(refusal({ SQL_DB_HOST: host })).toEqual([]);
    },
  );

  test('a TLS setting that is neither true nor false is refused (C8)', () => {
    expect(refusal({ SQL_DB_TLS: 'yes' })).toEqual([expect.stringContaining('SQL_DB_TLS')]);
  });
});
