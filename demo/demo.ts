// bin/demo: starts private database servers and three environments with sample data, each with its web server.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import {
  dropEnvironments,
  grantLeastRights,
  prepareCopies,
  prepareDatasets,
  prepareEnvironments,
  settingsOf,
} from '../bin/databases.ts';
import { givenServers } from '../bin/given-servers.ts';
import { CannotStart, end } from '../bin/programs.ts';
import { startServers, type Addresses } from '../bin/servers.ts';
import { ladder, rulesOf } from '../src/environments/rules.ts';
import { readKeys } from './data-keys.ts';
import { printAddresses } from './addresses.ts';
import { lock } from './lock.ts';
import { startMailbox } from './mailbox.ts';
import { portsFrom, refuseTaken } from './ports.ts';
import { startOlderSystem } from './older-system.ts';
import { clientsFor, settingsFor, type Plan } from './provider.ts';
import { logins, seed } from './seed.ts';

const FOLDER = 'var/demo';
const PREFIX = 'oneway_demo';
const SEEDED = `${FOLDER}/seeded`;
const LOCK = `${FOLDER}/running`;
const usage = `bin/demo [--reset]

Starts Oneway's staging, pre-production and production with sample data and prints their addresses.
  --reset          start over with fresh data
DEMO_PORT          port of staging; the other two follow (3001); the older system (Conversations) is 3
                   above it (3004), a publisher of data files 4 (3005), the mailbox 6 (3007) and the sign-in
                   provider 9 (3010); 5, 7 and 8 are the store of the older system, mail and webhooks
DEMO_MYSQL_URL     a MySQL or MariaDB server to use, with administrator rights: mysql://root:…@host:3306
DEMO_MONGO_URL     a MongoDB server to use, with administrator rights: mongodb://root:…@host:27017
DEMO_REDIS_URL     a Redis server to use`;

const children: ChildProcess[] = [];
let stopServers = async () => {};

async function main() {
  if (process.argv.includes('--help')) return console.log(usage);
  const unknown = process.argv.slice(2).find((word) => word !== '--reset');
  if (unknown) throw new CannotStart(`There is no option ${unknown}.\n\n${usage}`);
  mkdirSync(FOLDER, { recursive: true });
  const ports = portsFrom(process.env['DEMO_PORT'] ?? '3001');
  lock(LOCK);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => void stop());
  const providerPort = Number(ports[0]) + 9;
  const indexerPort = Number(ports[0]) + 8;
  const publisherPort = Number(ports[0]) + 4;
  const olderPorts = { port: Number(ports[0]) + 3, storePort: Number(ports[0]) + 5 };
  const mailbox = { pagePort: Number(ports[0]) + 6, smtpPort: Number(ports[0]) + 7 };
  const others = [providerPort, indexerPort, publisherPort];
  const pairs = [...Object.values(olderPorts), ...Object.values(mailbox)];
  for (const port of [...ports, ...others, ...pairs]) await refuseTaken(port);
  const given = givenServers('DEMO');
  if (process.argv.includes('--reset')) await announce('Removing the old data', () => reset(given));

  const servers = await startServers(FOLDER, given, announce);
  stopServers = () => servers.stop();
  if (!existsSync(SEEDED)) await dropEnvironments(servers, PREFIX);
  const objects = () => `${FOLDER}/objects`;
  const owners = await announce('Databases of three environments', () =>
    prepareEnvironments(servers, PREFIX, objects),
  );
  const variables = settingsOf(servers, PREFIX, objects, 'app');
  const addresses = ladder.map(
    (name, index) => [name, `http://localhost:${ports[index]}`] as const,
  );
  const clients = clientsFor(Object.fromEntries(addresses));
  for (const [index, [name]] of addresses.entries()) {
    const one = variables[name as 'staging'];
    one['ENVIRONMENT_URLS'] = addresses.map((pair) => pair.join('=')).join(',');
    one['PEOPLE_TOKEN'] = 'the servers of the demo read people from each other';
    one['LOG_LEVEL'] = 'error';
    one['INDEXER_URL'] = `http://localhost:${indexerPort}/oneway`;
    one['INDEXER_SECRET'] = `the demo's indexer, on port ${indexerPort} of this machine`;
    one['SMTP_URL'] = `smtp://localhost:${mailbox.smtpPort}`;
    one['MAIL_FROM'] = `Oneway ${rulesOf(name).inText} <oneway-${name}@example.com>`;
    if (clients[index]) Object.assign(one, settingsFor(providerPort, clients[index]));
  }
  mkdirSync(`${FOLDER}/backups/dev-backups`, { recursive: true });
  mkdirSync(`${FOLDER}/pipeline`, { recursive: true });
  const copies = await prepareCopies(servers, PREFIX);
  const datasets = {
    ...(await prepareDatasets(servers, PREFIX)),
    PIPELINE_STORAGE_URL: pathToFileURL(resolve(`${FOLDER}/pipeline`)).href,
    // Placeholders for the HAWK key with which the data pipeline signs its requests to the signed API. The real key is
    // created later, when the migrations have created the table that stores it.
    PIPELINE_HAWK_ID: 'later',
    PIPELINE_HAWK_KEY: 'later',
  };
  for (const one of [variables, owners]) {
    const backups = pathToFileURL(resolve(`${FOLDER}/backups`)).href;
    const ofSources = { BACKUPS_URL: backups, SOURCES_MAY_BE_LOCAL: 'true' };
    Object.assign(one.staging, copies, datasets, ofSources);
    one.staging['ENVIRONMENT_URLS'] = variables.staging['ENVIRONMENT_URLS'] ?? '';
    Object.assign(one.production, { BACKUPS_URL: backups, BACKUPS_CLIENT: 'cosmos' });
  }
  await announce('Publisher of data files', () => publish(publisherPort));
  const older = await announce('Older system (Conversations)', () =>
    startOlderSystem({
      ...olderPorts,
      oneway: addresses[0]?.[1] ?? '',
      start: startProcess,
    }),
  );
  for (const one of [...Object.values(variables), ...Object.values(owners)]) {
    Object.assign(one, older);
  }
  await seed(owners, {
    announce,
    isFresh: !existsSync(SEEDED),
    stagingUrl: addresses[0]?.[1] ?? '',
    publisherUrl: `http://localhost:${publisherPort}`,
    afterMigration: ({ sql, name }) => grantLeastRights(sql, `${PREFIX}_${name}`),
  });
  writeFileSync(SEEDED, '');
  const keys = readKeys(addresses[0]?.[1] ?? '');
  Object.assign(variables.staging, keys.server);
  writeSettings('client', keys.client);
  await announce('Sign-in provider', () =>
    provide({ port: providerPort, accounts: logins, clients }),
  );
  for (const [name, one] of Object.entries(variables)) writeSettings(name, one);
  listenAsIndexer(indexerPort);
  await startMailbox(mailbox);
  await announce('Three servers', () =>
    Promise.all(
      ladder.map((name, index) =>
        serve(
          { ...variables[name as 'staging'], PORT: String(ports[index]) },
          Number(ports[index]),
        ),
      ),
    ),
  );
  printAddresses(ports, {
    folder: FOLDER,
    mailbox: mailbox.pagePort,
    publisher: publisherPort,
    older: olderPorts.port,
  });
}

/**
 * Writes the settings of an environment to a file. A person loads it with `(set -a; .
 * var/demo/staging.env; bin/oneway status)`.
 */
function writeSettings(name: string, variables: Record<string, string>) {
  const lines = Object.entries(variables).map(
    ([key, value]) => `${key}='${value.replaceAll("'", `'\\''`)}'\n`,
  );
  writeFileSync(`${FOLDER}/${name}.env`, lines.join(''), { mode: 0o600 });
}

/** Starts a server that stands in for the search indexer and accepts every notification. */
const listenAsIndexer = (port: number) =>
  createServer((req, res) => req.resume().once('end', () => res.writeHead(204).end()))
    .listen(port, '127.0.0.1')
    .unref();

async function reset(given: Partial<Addresses>) {
  const { mysql, mongo, redis } = given;
  if (mysql && mongo && redis) await dropEnvironments({ mysql, mongo, redis }, PREFIX);
  for (const part of [
    'mysql',
    'mongo',
    'redis',
    'objects',
    'backups',
    'pipeline',
    'conversations',
    'seeded',
  ]) {
    rmSync(`${FOLDER}/${part}`, { recursive: true, force: true });
  }
}

async function announce<T>(step: string, work: () => Promise<T>): Promise<T> {
  const start = Date.now();
  process.stdout.write(`${step} … `);
  const result = await work();
  console.log(`${((Date.now() - start) / 1000).toFixed(1)} s`);
  return result;
}

const serve = (variables: Record<string, string>, port: number) =>
  startProcess('src/server.ts', variables, `http://127.0.0.1:${port}/readyz`);

const provide = (plan: Plan) =>
  startProcess(
    'demo/provider.ts',
    { PROVIDER: JSON.stringify(plan) },
    `http://127.0.0.1:${plan.port}/.well-known/openid-configuration`,
  );

const publish = (port: number) =>
  startProcess('demo/publisher/main.ts', { PORT: String(port) }, `http://127.0.0.1:${port}/`);

/** Starts a program of Oneway in its own process, and waits until its address answers. */
async function startProcess(file: string, variables: Record<string, string>, address: string) {
  const child = spawn(process.execPath, [file], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { PATH: process.env['PATH'], ...variables },
    detached: true,
  });
  children.push(child);
  for (let wait = 0; wait < 300; wait += 1) {
    const answer = await fetch(address).catch(() => null);
    if (answer?.ok) return;
    if (child.exitCode !== null) break;
    await sleep(100);
  }
  const what = variables['ENVIRONMENT'] ?? file;
  throw new CannotStart(`${what} did not start; its messages stand above.`);
}

let isStopping = false;
async function stop(code = 0) {
  if (isStopping) return;
  isStopping = true;
  console.log('\nStopping …');
  await Promise.all(children.map(end));
  await stopServers();
  rmSync(LOCK, { force: true });
  process.exit(code);
}

try {
  await main();
} catch (error) {
  const isOurs = error instanceof CannotStart;
  console.error(isOurs ? `\n${error.message}` : error);
  if (existsSync(LOCK) && readFileSync(LOCK, 'utf8') === String(process.pid)) await stop(1);
  process.exitCode = 1;
}
