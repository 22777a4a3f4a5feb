// The settings: read at once, and refused with a line for each that is wrong.
import { expect, test } from '@jest/globals';
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

/** The lines of a refusal. */
function refusal(changes: Record<string, string | undefined>): string[] {
  try {
    parseSettings({ ...complete, ...changes });
  } catch (error) {
    if (error instanceof BadSettings) return error.message.split('\n  ').slice(1);
    throw error;
  }
  return [];
}

test('reads settings with their defaults, and no neighbour when none is set', () => {
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

test('reads a neighbour and its ports', () => {
  const given = {
    ...databases('UNI_DIR_DESTINATION_', 'preprod'),
    UNI_DIR_DESTINATION_SQL_DB_PORT: '3307',
  };
  expect(parseSettings({ ...complete, ...given }).destination).toMatchObject({
    sql: { name: 'preprod', port: 3307 },
    nosql: { name: 'preprod', port: 27_017 },
  });
});

test('lists every wrong setting once', () => {
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

test('refuses incomplete groups of settings', () => {
  const lines = refusal({ INDEXER_URL: 'https://indexer.example.com', OIDC_CLIENT_ID: 'oneway' });
  expect(lines.map((line) => line.split(':')[0])).toEqual([
    'OIDC_ISSUER',
    'OIDC_CLIENT_SECRET',
    'ENVIRONMENT_URLS',
    'INDEXER_URL and INDEXER_SECRET',
  ]);
});

test('refuses an environment that is its own destination, under another name of the same server', () => {
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
])('a wrong %s is one line, with its name', (name, value) => {
  expect(refusal({ [name]: value })).toEqual([expect.stringMatching(`^${name}: `)]);
});
