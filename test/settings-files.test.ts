// Compares the settings in config/defaults.env and .env.example with the settings that the program reads.
import { expect, test } from 'vitest';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { defaults, withDefaults, withLocalFile } from '../src/defaults.ts';
import { parseSettings, readSettings, variableNames } from '../src/settings.ts';
import { variables } from '../src/variables.ts';

const example = readFileSync('.env.example', 'utf8');
/** All variables in .env.example, including those that are commented out. */
const inExample = parseEnv(example.replaceAll(/^# ?([A-Z][A-Z0-9_]*=)/gm, '$1'));
/** The variables to which .env.example gives a value. */
const filled = parseEnv(example);
const isRead = (name: string) =>
  variableNames.some((one) => (typeof one === 'string' ? one === name : one.test(name)));

test('S3-52 every setting that the program reads is either in config/defaults.env or in .env.example, never in both files', () => {
  const both = [...Object.keys(defaults), ...Object.keys(inExample)];
  expect(both.filter((name, index) => both.indexOf(name) !== index)).toEqual([]);
  const missing = variableNames.filter((one) =>
    typeof one === 'string' ? !both.includes(one) : !both.some((name) => one.test(name)),
  );
  expect(missing).toEqual([]);
});

test('S3-52 config/defaults.env and .env.example contain no setting that the program does not read', () => {
  const names = [...Object.keys(defaults), ...Object.keys(inExample)];
  expect(names.filter((name) => !isRead(name))).toEqual([]);
});

test('S3-50 S3-52 the defaults together with the values in .env.example are valid and complete settings', () => {
  const settings = parseSettings({ ...filled, SUPPORTED_DATABASE_VERSION: '1.0.0' });
  expect(settings).toMatchObject({
    port: 3000,
    session: { hours: 10 },
    sources: { cron: '0 2 * * *', mayBeLocal: false },
    datafiles: { limitBytes: 2_048_000_000 },
    apiPageSize: 1000,
    destination: { sql: { port: 3306 } },
  });
});

test('S3-52 the code repeats no default: without config/defaults.env every setting with a default is missing', () => {
  const { error } = variables.safeParse({ ...filled, SUPPORTED_DATABASE_VERSION: '1.0.0' });
  const lacking = new Set(error?.issues.map(({ path }) => String(path[0])));
  const own = Object.keys(defaults).filter((name) => name in variables.shape);
  expect(own.filter((name) => !lacking.has(name))).toEqual([]);
});

test('an empty setting gets its default, and a setting without a default stays empty', () => {
  expect(withDefaults({ PORT: '', HOST: '0.0.0.0', OIDC_ISSUER: '' })).toMatchObject({
    PORT: '3000',
    HOST: '0.0.0.0',
    OIDC_ISSUER: '',
  });
});

test('S3-53 environment variables override the file .env, which overrides values that a program passes, which override the defaults', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'oneway-env-')), 'own.env');
  writeFileSync(file, "# mine\nexport PORT=3005\nHOST='0.0.0.0'\nSESSION_HOURS=4\n");
  const environment = { ENV_FILE: file, PORT: '3009', LOG_LEVEL: '' };
  expect(
    withDefaults(withLocalFile(environment, { SESSION_HOURS: '2', LOG_LEVEL: 'error' })),
  ).toMatchObject({
    PORT: '3009',
    HOST: '0.0.0.0',
    SESSION_HOURS: '4',
    LOG_LEVEL: 'error',
    TRUST_PROXY: '0',
  });
});

test('S3-53 the file .env is optional, but a file that ENV_FILE names must exist', () => {
  const { SUPPORTED_DATABASE_VERSION: _version, ...known } = filled;
  const environment = { ...known, SUPPORTED_DATABASE_VERSION: '1.0.0' };
  expect(readSettings({ ...environment, ENV_FILE: '' }).port).toBe(3000);
  expect(() => readSettings({ ...environment, ENV_FILE: '/no/such.env' })).toThrow(
    /^\/no\/such\.env cannot be read \(ENOENT\)/,
  );
});

test('S3-53 a program reads the file .env in the folder in which the program is started', () => {
  const folder = mkdtempSync(join(tmpdir(), 'oneway-env-'));
  writeFileSync(join(folder, '.env'), 'ENVIRONMENT=staging\nPORT=many\n');
  const { status, stderr } = spawnSync(process.execPath, [resolve('src/server.ts')], {
    cwd: folder,
    env: { PATH: process.env['PATH'] },
    encoding: 'utf8',
  });
  expect(status).toBe(1);
  expect(stderr).toContain('PORT: must be a port');
  expect(stderr).not.toContain('ENVIRONMENT:');
});
