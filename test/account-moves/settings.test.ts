import { beforeAll, describe, expect, test } from 'vitest';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeCertificate } from '../../demo/conversations/certificate.ts';
import { moveSettings } from '../../src/account-moves/settings.ts';
import { withDefaults } from '../../src/defaults.ts';

type Variables = Record<string, string | undefined>;

const folder = mkdtempSync(join(tmpdir(), 'oneway-moves-'));
let given: Variables;
let otherCertificate: string;

beforeAll(async () => {
  const { files } = await writeCertificate(folder);
  const other = await writeCertificate(join(folder, 'other'));
  otherCertificate = other.files.certificate;
  given = {
    CONVERSATIONS_URL: 'https://conversations.example.com',
    CONVERSATIONS_KEY_FILE: files.key,
    CONVERSATIONS_CERTIFICATE_FILE: files.certificate,
  };
  writeFileSync(join(folder, 'nonsense.pem'), 'nonsense');
});

const wrongIn = (also: Variables) => moveSettings(withDefaults({ ...given, ...also })).wrong;

test('account migrations are switched off if the older system Conversations is not configured', () => {
  expect(moveSettings(withDefaults({}))).toEqual({ moves: null, wrong: [] });
});

test('the three settings CONVERSATIONS_* are enough to migrate accounts, because all others have defaults', () => {
  const { moves, wrong } = moveSettings(withDefaults(given));
  expect(wrong).toEqual([]);
  expect(moves).toMatchObject({
    store: { endpoint: null, region: 'us-east-1', messagesTable: 'messages', keys: null },
    mediaHosts: [],
    attachmentBytes: 25_000_000,
    tokens: null,
    recent: { days: 30, messages: 1000 },
    failures: { allowed: 20, percent: 2 },
  });
});

test('the setting MEDIA_HOSTS is a list of hosts with optional ports, which are converted to lower case', () => {
  const { moves } = moveSettings(
    withDefaults({ ...given, MEDIA_HOSTS: ' Media.example.com, 127.0.0.1:4005 ,' }),
  );
  expect(moves?.mediaHosts).toEqual(['media.example.com', '127.0.0.1:4005']);
});

test('settings define which messages are recent (migrated first), and with how many dead letters a migration fails (S4-46, S4-84)', () => {
  const { moves } = moveSettings(
    withDefaults({ ...given, MOVE_RECENT_DAYS: '7', MOVE_FAILURES_ALLOWED: '0' }),
  );
  expect(moves?.recent.days).toBe(7);
  expect(moves?.failures.allowed).toBe(0);
});

describe('refusing wrong settings of account migrations', () => {
  test.each<[string, Variables]>([
    ['CONVERSATIONS_URL', { CONVERSATIONS_URL: 'conversations' }],
    ['CONVERSATIONS_URL', { CONVERSATIONS_URL: undefined }],
    ['CONVERSATIONS_KEY_FILE', { CONVERSATIONS_KEY_FILE: undefined }],
    ['CONVERSATIONS_KEY_FILE', { CONVERSATIONS_KEY_FILE: '/no/such/file' }],
    ['CONVERSATIONS_KEY_FILE', { CONVERSATIONS_KEY_FILE: join(folder, 'nonsense.pem') }],
    [
      'CONVERSATIONS_CERTIFICATE_FILE',
      { CONVERSATIONS_CERTIFICATE_FILE: join(folder, 'nonsense.pem') },
    ],
    ['STORE_ENDPOINT', { STORE_ENDPOINT: 'dynamodb' }],
    ['STORE_ACCESS_KEY_ID', { STORE_ACCESS_KEY_ID: 'half' }],
    ['ACCOUNT_TOKENS_ISSUER', { ACCOUNT_TOKENS_ISSUER: 'https://login.example.com' }],
    ['MEDIA_HOSTS', { MEDIA_HOSTS: 'https://media.example.com' }],
    ['MEDIA_HOSTS', { MEDIA_HOSTS: 'media.example.com/files' }],
    ['ATTACHMENT_LIMIT_MB', { ATTACHMENT_LIMIT_MB: '0' }],
    ['MOVE_RECENT_MESSAGES', { MOVE_RECENT_MESSAGES: '49' }],
    ['MOVE_FAILURES_PERCENT', { MOVE_FAILURES_PERCENT: '101' }],
  ])(
    'an error message names the setting %s if the settings of account migrations contain %j',
    (name, also) => {
      const wrong = wrongIn(also);
      expect(wrong).toHaveLength(1);
      expect(wrong[0]).toContain(name);
    },
  );

  test('CONVERSATIONS_KEY_FILE is refused if its key cannot sign tokens', () => {
    const file = join(folder, 'x25519.pem');
    const { privateKey } = generateKeyPairSync('x25519');
    writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const wrong = wrongIn({ CONVERSATIONS_KEY_FILE: file });
    expect(wrong.join()).toContain('CONVERSATIONS_KEY_FILE: must be a key of RSA');
  });

  test('CONVERSATIONS_CERTIFICATE_FILE is refused if its certificate belongs to another key', () => {
    const wrong = wrongIn({ CONVERSATIONS_CERTIFICATE_FILE: otherCertificate });
    expect(wrong[0]).toContain('CONVERSATIONS_CERTIFICATE_FILE: is not the certificate of');
  });
});
