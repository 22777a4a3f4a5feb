// Installs Schemathesis from PyPI into a folder of the project, and runs it: a fuzzer that makes requests from an
// OpenAPI document.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const VERSION = 'schemathesis==4.32.5';

/**
 * Returns the path of the program Schemathesis, and installs it if it is missing.
 * @throws an error with the command that installs Schemathesis by hand
 */
function schemathesis(): string {
  const folder = resolve('var/schemathesis');
  const program = resolve(folder, 'bin/schemathesis');
  if (!existsSync(program)) {
    const isMade =
      spawnSync('python3', ['-m', 'venv', folder]).status === 0 &&
      spawnSync(resolve(folder, 'bin/pip'), ['install', '-q', VERSION]).status === 0;
    if (!isMade) {
      throw new Error(
        `The fuzzer is missing: python3 -m venv var/schemathesis && var/schemathesis/bin/pip install ${VERSION}`,
      );
    }
  }
  return program;
}

type Fuzzed = {
  /** The URL of the server. */
  address: string;
  key: string;
  /** A regular expression for the paths that are tested. */
  paths: string;
  /** The names of checks that are skipped. */
  without?: string[];
};

/** Sends generated requests to a server. Returns a report of answers that contradict its OpenAPI document, or `''`. */
export function fuzz({ address, key, paths, without = [] }: Fuzzed): Promise<string> {
  const words = ['run', `${address}/api/v1/openapi.json`, '--url', address, '--no-color'];
  words.push('-H', `Authorization: Bearer ${key}`, '--include-path-regex', paths);
  words.push('--phases', 'examples,coverage,fuzzing', '--max-examples', '15', '--seed', '7');
  words.push('--checks', 'all', ...without.flatMap((name) => ['--exclude-checks', name]));
  return new Promise((done) => {
    let said = '';
    const cwd = mkdtempSync(join(tmpdir(), 'oneway-fuzz-'));
    const child = spawn(schemathesis(), words, { cwd, env: { ...process.env, PYTHONUTF8: '1' } });
    child.stdout.on('data', (part) => (said += String(part)));
    child.stderr.on('data', (part) => (said += String(part)));
    child.once('exit', (code) => done(code === 0 ? '' : said));
  });
}
