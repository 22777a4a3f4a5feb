// bin/test: private servers, then jest on them. `bin/test promotion` runs one room; other words go to jest.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { aptInstall, CannotStart, startServers } from '../../bin/servers.ts';

const folder = `var/test-${process.pid}`;
const given = process.argv.slice(2);

async function main(): Promise<number> {
  if (spawnSync('sh', ['-c', 'command -v chromium || command -v google-chrome']).status !== 0) {
    aptInstall(['chromium']);
  }
  const servers = await startServers(folder, {}, (_step, work) => work());
  const stop = async () => {
    await servers.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => void stop().then(() => process.exit(1)));
  }
  try {
    const jest = spawn(
      process.execPath,
      [
        ...['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
        ...['node_modules/jest/bin/jest.js', '--maxWorkers=2', '--forceExit', '--json'],
        ...[`--outputFile=${folder}/result.json`],
        ...given.map((word) => (existsSync(`test/${word}`) ? `test/${word}/?` : word)),
      ],
      {
        stdio: 'inherit',
        env: {
          ...process.env,
          TEST_MYSQL_URL: servers.mysql.href,
          TEST_MONGO_URL: servers.mongo.href,
          TEST_REDIS_URL: servers.redis.href,
        },
      },
    );
    const code = await new Promise<number>((resolve) =>
      jest.once('exit', (exit) => resolve(exit ?? 1)),
    );
    return sum(code);
  } finally {
    await stop();
  }
}

/** The last line: what passed and what failed. No test at all is a failure. */
function sum(code: number): number {
  const result = existsSync(`${folder}/result.json`)
    ? (JSON.parse(readFileSync(`${folder}/result.json`, 'utf8')) as Record<string, number>)
    : {};
  const passed = result['numPassedTests'] ?? 0;
  const failed = (result['numFailedTests'] ?? 0) + (result['numRuntimeErrorTestSuites'] ?? 0);
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
