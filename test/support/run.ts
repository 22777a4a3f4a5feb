// bin/test: starts private servers, or uses those of TEST_MYSQL_URL, TEST_MONGO_URL and TEST_REDIS_URL, then runs vitest.
// `bin/test sheet` or `TEST=sheet bin/test` runs one folder, `bin/test --long` runs the long random tests. All other
// arguments are passed to vitest.
import { fork, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { givenServers } from '../../bin/given-servers.ts';
import { startS3 } from '../../bin/s3-server.ts';
import { endLeftBehind, MARK } from './left-behind.ts';
import { aptInstall, CannotStart, installed } from '../../bin/programs.ts';
import { startServers } from '../../bin/servers.ts';
import { findBrowser, HEADLESS_SHELL } from './chromium.ts';
import { filtersOf } from './filters.ts';

const run = String(process.pid);
const folder = `var/test-${run}`;
const words = process.argv.slice(2);
const { TEST: folderToTest = '' } = process.env;
const given = words.length === 0 && folderToTest !== '' ? [folderToTest] : words;

async function main(): Promise<number> {
  // Every process of this test run inherits this environment variable, by which `endLeftBehind` finds and ends the
  // processes.
  process.env[MARK] = run;
  process.env['NODE_COMPILE_CACHE'] = resolve(folder, 'compiled');
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      tidyUp();
      process.exit(1);
    });
  }
  try {
    // Tests read backups with these two programs, so bin/test installs them if they are missing.
    const lacking = ['age', 'zstd'].filter((program) => !installed(program));
    if (findBrowser() === '') lacking.push(HEADLESS_SHELL);
    if (lacking.length > 0) aptInstall(lacking);
    const servers = await startServers(folder, givenServers('TEST'), (_step, work) => work());
    const env = {
      ...process.env,
      TEST_MYSQL_URL: servers.mysql.href,
      TEST_MONGO_URL: servers.mongo.href,
      TEST_REDIS_URL: servers.redis.href,
      ...(await startStorage()),
    };
    return given[0] === '--long' ? await runForLong(env) : await runTests(env, given);
  } finally {
    tidyUp();
  }
}

/** Kills the servers and deletes their data. Because the data is deleted, an orderly shutdown is not needed. */
function tidyUp() {
  endLeftBehind(run);
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
}

/**
 * Starts the S3 server. If it cannot start, only the tests that need it fail, with a message that says what to install.
 */
async function startStorage(): Promise<Record<string, string>> {
  try {
    return { TEST_S3_URL: (await startS3(`${folder}/s3`, () => {})).href };
  } catch (error) {
    if (!(error instanceof CannotStart)) throw error;
    console.error(error.message);
    return { TEST_S3_PROBLEM: error.message };
  }
}

async function runTests(env: NodeJS.ProcessEnv, words: string[]): Promise<number> {
  const vitest = spawn(
    process.execPath,
    [
      'node_modules/vitest/vitest.mjs',
      'run',
      // More workers than cores: many tests only wait for a silent server or a starting process.
      '--maxWorkers=3',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${folder}/result.json`,
      ...filtersOf(words),
    ],
    { stdio: 'inherit', env },
  );
  const code = await new Promise<number>((resolve) =>
    vitest.once('exit', (exit) => resolve(exit ?? 1)),
  );
  return sum(code);
}

type Counts = Record<'kills' | 'stops' | 'halfApplied' | 'overwritten' | 'stuck', number>;

/** Runs `bin/test --long [kills]`: the long random tests. */
async function runForLong(env: NodeJS.ProcessEnv): Promise<number> {
  const longer = {
    ...env,
    UNDO_TRANSFERS: '500',
    FUZZ_REQUESTS: '20000',
    READING_TEXTS: '200000',
    STATUS_STORIES: '100',
    SLIMMED_ROWS: '100000',
  };
  const words = [
    'transfers/undo-property',
    'web/fuzz',
    'datasets/reading/tokenizer',
    'datasets/reading/examine',
    'state/statuses',
    'release/slim-sync-state',
  ];
  const properties = await runTests(longer, words);
  const kills = await killForLong(env);
  return properties === 0 ? kills : properties;
}

/** Runs test/support/long.ts in two workers at once, which kill processes 1,200 times in total by default. */
async function killForLong(env: NodeJS.ProcessEnv): Promise<number> {
  const kills = given[1] ?? '1200';
  const workers = 2;
  const all = await Promise.all(
    Array.from({ length: workers }, async (_one, index) => {
      const words = [kills, String(index + 1), String(workers)];
      const worker = fork('test/support/long.ts', words, {
        env: { ...env, VITEST_POOL_ID: String(index + 1) },
      });
      return new Promise<Counts | null>((resolve) => {
        worker.once('message', (counts) => resolve(counts as Counts));
        worker.once('exit', () => resolve(null));
      });
    }),
  );
  const of = (name: keyof Counts) => all.reduce((total, one) => total + (one?.[name] ?? 0), 0);
  const isBroken = all.includes(null);
  if (isBroken) console.log('A worker ended before its time: see above.');
  console.log(`stops ${of('stops')}, overwritten ${of('overwritten')}`);
  console.log(`kills ${of('kills')}, half-applied ${of('halfApplied')}, stuck ${of('stuck')}`);
  const isClean = of('halfApplied') + of('overwritten') + of('stuck') === 0;
  return isClean && !isBroken && of('kills') >= Number(kills) ? 0 : 1;
}

type Report = {
  numPassedTests: number;
  numFailedTests: number;
  testResults: { status: string; assertionResults: unknown[] }[];
};

/** Prints the number of passed and failed tests; a file that cannot be loaded is a failure. A run without any test fails. */
function sum(code: number): number {
  const {
    numPassedTests: passed,
    numFailedTests,
    testResults,
  } = existsSync(`${folder}/result.json`)
    ? (JSON.parse(readFileSync(`${folder}/result.json`, 'utf8')) as Report)
    : { numPassedTests: 0, numFailedTests: 0, testResults: [] };
  const unloaded = testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  );
  const failed = numFailedTests + unloaded.length;
  console.log(`${passed} passed, ${failed} failed`);
  return code === 0 && failed === 0 && passed > 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof CannotStart)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
