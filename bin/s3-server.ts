// Starts a private S3 server for the tests: versitygw, which stores buckets as folders.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  answering,
  CannotStart,
  freePort,
  installed,
  password,
  run,
  type Keep,
} from './programs.ts';

const VERSITYGW = 'v1.8.0';

/**
 * Starts the S3 server. Returns its URL with an access key and the secret:
 * `http://key:secret@127.0.0.1:7070`. A second access key, `stranger`, has the same secret but no
 * rights.
 */
export async function startS3(folder: string, keep: Keep): Promise<URL> {
  const program = versitygw();
  const secret = password(folder);
  const port = await freePort();
  const buckets = join(resolve(folder), 'buckets');
  mkdirSync(buckets, { recursive: true });
  const accounts = join(resolve(folder), 'accounts');
  mkdirSync(accounts, { recursive: true, mode: 0o700 });
  const stranger = { access: 'stranger', secret, role: 'user', userID: 0, groupID: 0 };
  writeFileSync(join(accounts, 'users.json'), JSON.stringify({ accessAccounts: { stranger } }));
  const options = ['--port', `127.0.0.1:${port}`, '--iam-dir', accounts, 'posix', buckets];
  const child = run(folder, program, options, {
    ROOT_ACCESS_KEY: 'oneway',
    ROOT_SECRET_KEY: secret,
  });
  keep(child);
  await answering(child, folder, async () => {
    await fetch(`http://127.0.0.1:${port}/`);
  });
  return new URL(`http://oneway:${secret}@127.0.0.1:${port}`);
}

/**
 * Returns the path of the program versitygw. If versitygw is not on the PATH, builds it once with
 * Go.
 */
function versitygw(): string {
  if (installed('versitygw')) return 'versitygw';
  const bin = resolve('var/versitygw');
  const program = join(bin, 'versitygw');
  if (existsSync(program)) return program;
  const source = `github.com/versity/versitygw/cmd/versitygw@${VERSITYGW}`;
  if (!installed('go')) {
    throw new CannotStart(
      `No S3 server to test with: versitygw is not on PATH, and there is no Go to build it. Install Go 1.25 or later (https://go.dev/dl), or versitygw itself, and try again.`,
    );
  }
  const env = { ...process.env, GOBIN: bin };
  const built = spawnSync('go', ['install', source], { env, encoding: 'utf8' });
  if (built.status !== 0) {
    throw new CannotStart(
      `"go install ${source}" failed. Install versitygw on PATH, or Go 1.25 or later, and try again.\n${built.stderr.slice(-2000)}`,
    );
  }
  return program;
}
