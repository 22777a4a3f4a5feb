import { expect, test } from 'vitest';
import { withDefaults } from '../../src/defaults.ts';
import { backupSettings } from '../../src/backups/settings.ts';

test('no backups are made when no backup setting is set', () => {
  expect(backupSettings(withDefaults({}))).toEqual({
    backups: { store: null, client: null, recipient: null, identity: null },
    wrong: [],
  });
});

test.each([
  ['file:///srv/backups', {}, { kind: 'folder', path: '/srv/backups/dev-backups' }],
  [
    'file:///srv/backups/',
    { BACKUPS_MINIO_BUCKET: 'isidor-backups' },
    { kind: 'folder', path: '/srv/backups/isidor-backups' },
  ],
  [
    'https://s3.example.com?region=eu-central-1',
    { BACKUPS_ACCESS_KEY_ID: 'id', BACKUPS_SECRET_ACCESS_KEY: 'secret' },
    {
      kind: 's3',
      bucket: 'dev-backups',
      prefix: '',
      region: 'eu-central-1',
      endpoint: 'https://s3.example.com',
      keys: { id: 'id', secret: 'secret' },
    },
  ],
])(
  'S1-13 the setting BACKUPS_URL=%s with the settings %j gives the address of the backup store',
  (url, also, store) => {
    const { backups, wrong } = backupSettings(withDefaults({ BACKUPS_URL: url, ...also }));
    expect([backups.store, wrong]).toEqual([store, []]);
  },
);

test.each([
  [{ BACKUPS_CLIENT: 'cosmos' }, 'BACKUPS_URL: is missing'],
  [{ BACKUPS_URL: 'ftp://x' }, 'BACKUPS_URL: must be a folder'],
  [{ BACKUPS_URL: 'https://a:b@s3.example.com' }, 'BACKUPS_URL: must not hold keys'],
  [{ BACKUPS_URL: 'file:///x', BACKUPS_CLIENT: 'Cosmos 1' }, 'BACKUPS_CLIENT: must be as cosmos'],
  [{ BACKUPS_URL: 'https://s3.example.com', BACKUPS_ACCESS_KEY_ID: 'id' }, 'give both or none'],
  [
    { BACKUPS_RECIPIENT: 'AGE-SECRET-KEY-1AAAAAAAAAAAAAAAAAAAAAAA' },
    'BACKUPS_RECIPIENT: must be as age1',
  ],
  [{ BACKUPS_IDENTITY: 'age1aaaaaaaaaaaaaaaaaaaaaaaaaaaaa' }, 'BACKUPS_IDENTITY: must be as AGE'],
])(
  'the invalid backup settings %j are refused with a message that names the wrong setting',
  (variables, message) => {
    expect(backupSettings(withDefaults(variables)).wrong.join('\n')).toContain(message);
  },
);
