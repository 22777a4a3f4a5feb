import { expect, test } from 'vitest';
import { withDefaults } from '../../src/defaults.ts';
import { copySettings } from '../../src/staging/settings.ts';

const complete = {
  NUMIKUBE_STAGING_TOKEN: 'a token of at least thirty-two characters',
  BACKUPS_URL: 'file:///srv/backups',
  COPIES_SQL_DB_USER: 'copies',
  COPIES_SQL_DB_PASSWORD: 'secret',
  COPIES_SQL_DB_HOST: 'db.internal',
  COPIES_NOSQL_DB_USER: 'copies',
  COPIES_NOSQL_DB_PASSWORD: 'secret',
  COPIES_NOSQL_DB_HOST: 'mongo.internal',
};

test('S1-12 S1-15 a server makes staging databases if NUMIKUBE_STAGING_TOKEN is set, and at most ten by default', () => {
  expect(copySettings(withDefaults({}))).toEqual({ copies: null, wrong: [] });
  const { copies, wrong } = copySettings(withDefaults(complete));
  expect(wrong).toEqual([]);
  expect(copies).toMatchObject({
    tokens: [complete.NUMIKUBE_STAGING_TOKEN],
    limit: 10,
    days: 14,
    timeZone: 'UTC',
    servers: { sql: { host: 'db.internal', port: 3306 }, nosql: { name: 'admin', port: 27_017 } },
  });
});

test('S1-15 settings define the limit, the lifetime, the time zone and a second token of staging databases', () => {
  const second = 'another token that replaces the first one';
  const { copies } = copySettings(
    withDefaults({
      ...complete,
      NUMIKUBE_STAGING_TOKEN: `${complete.NUMIKUBE_STAGING_TOKEN},${second}`,
      NUMIKUBE_STAGING_DATABASE_LIMIT: '3',
      NUMIKUBE_STAGING_DAYS: '2',
      NUMIKUBE_STAGING_TIME_ZONE: 'America/New_York',
    }),
  );
  expect(copies).toMatchObject({ limit: 3, days: 2, timeZone: 'America/New_York' });
  expect(copies?.tokens).toHaveLength(2);
});

test.each([
  [{ NUMIKUBE_STAGING_TOKEN: 'short' }, /NUMIKUBE_STAGING_TOKEN: must have at least 32/],
  [{ NUMIKUBE_STAGING_TOKEN: '' }, /NUMIKUBE_STAGING_TOKEN: is missing beside COPIES_/],
  [{ BACKUPS_URL: '' }, /BACKUPS_URL: is missing beside NUMIKUBE_STAGING_TOKEN/],
  [{ COPIES_SQL_DB_USER: '' }, /COPIES_SQL_DB_USER/],
  [{ NUMIKUBE_STAGING_TIME_ZONE: 'Mars' }, /NUMIKUBE_STAGING_TIME_ZONE: must be the name of a/],
  [{ NUMIKUBE_STAGING_DATABASE_LIMIT: '0' }, /NUMIKUBE_STAGING_DATABASE_LIMIT/],
])(
  'wrong settings for staging databases (%j) are refused with a message that names the setting',
  (also, message) => {
    expect(copySettings(withDefaults({ ...complete, ...also })).wrong.join('\n')).toMatch(message);
  },
);
