// Oneway connects over TLS only to a MySQL server with a certificate from a trusted authority. The tests create an
// authority of their own.
import { execFileSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startMysql } from '../../bin/mysql-server.ts';
import { end } from '../../bin/programs.ts';
import { connectSql } from '../../src/database/connect.ts';
import { first, sql } from '../../src/database/sql.ts';
import { unwillingness } from '../../src/database/unwillingness.ts';
import { explainUnwilling } from '../../src/environments/unreachable.ts';

const folder = mkdtempSync(join(tmpdir(), 'oneway-tls-'));
const running: ChildProcess[] = [];
const trusted = getCACertificates('default');
let server: URL;
let other: URL;

const openssl = (...words: string[]) =>
  execFileSync('openssl', words, { cwd: folder, stdio: 'ignore' });

const fresh = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2'];

/** Starts a MySQL server whose certificate is for `host` and signed by the tests’ authority. */
async function serverFor(host: string) {
  const named = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`];
  const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key'];
  openssl(...fresh, ...named, ...signed, '-keyout', `${host}.key`, '-out', `${host}.pem`);
  return startMysql(join(folder, `of-${host}`), (child) => running.push(child), [
    `--ssl-cert=${join(folder, `${host}.pem`)}`,
    `--ssl-key=${join(folder, `${host}.key`)}`,
  ]);
}

beforeAll(async () => {
  openssl(...fresh, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=Authority');
  server = await serverFor('localhost');
  other = await serverFor('db.example.com');
}, 60_000);
afterEach(() => setDefaultCACertificates(trusted));
afterAll(async () => {
  for (const child of running) await end(child);
  rmSync(folder, { recursive: true, force: true });
});

/**
 * Makes this process trust the tests’ authority, as NODE_EXTRA_CA_CERTS does when a process starts.
 */
const trust = () =>
  setDefaultCACertificates([...trusted, readFileSync(join(folder, 'ca.pem'), 'utf8')]);

async function cipherAt(at: URL) {
  const pool = connectSql({
    host: 'localhost',
    port: Number(at.port),
    name: 'mysql',
    user: 'root',
    password: at.password,
    tls: true,
  });
  try {
    const found = await first<{ Value: string }>(pool, sql`show status like 'Ssl_cipher'`);
    return found?.Value;
  } finally {
    await pool.end();
  }
}

const whyRefused = (at: URL) =>
  cipherAt(at).then(
    () => 'it was not refused',
    (error: unknown) => explainUnwilling(unwillingness(error) ?? 'full', 'MySQL', 'SQL_DB_*'),
  );

test('Oneway connects to MySQL over TLS when it trusts the authority of the server’s certificate (F11)', async () => {
  trust();
  expect(await cipherAt(server)).toMatch(/^TLS|SHA/);
});

test('Oneway refuses a MySQL server whose certificate is from an unknown authority, and the message names the setting NODE_EXTRA_CA_CERTS (F11)', async () => {
  expect(await whyRefused(server)).toContain('NODE_EXTRA_CA_CERTS');
});

test('Oneway refuses a MySQL server whose certificate is for another host, and the message names the settings to correct (F11)', async () => {
  trust();
  expect(await whyRefused(other)).toContain('corrects the host in SQL_DB_*');
});
