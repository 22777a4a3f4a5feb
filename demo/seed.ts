// Creates the demo’s data with Oneway’s own functions: fills production, refreshes the other environments from
// production, and adds a week of work in staging.
import { publishSealingKey, sealSecrets } from '../src/access/secret-fields.ts';
import { upgrade } from '../src/release/upgrade.ts';
import { openApp, type App } from '../src/environments/app.ts';
import * as people from '../src/people/people.ts';
import { runJob } from '../src/jobs/runner.ts';
import { tasks } from '../src/tasks.ts';
import type { Change } from '../src/writing/changes.ts';
import { writeHere } from '../src/writing/write-here.ts';
import { parseSettings } from '../src/settings.ts';
import { productionRows } from './production.ts';
import type { Environments } from './environments.ts';
import { letTimePass } from './time.ts';
import { makeKeys } from './data-keys.ts';
import { seedDriving, seedWave } from './moves.ts';
import { runSources, seedSources } from './sources.ts';
import { workAWeek } from './week.ts';
import { requestBackup } from '../src/backups/job.ts';
import { requestRefresh } from '../src/refresh/job.ts';
import * as environments from '../src/staging/environments.ts';
import { requestRestoreTest } from '../src/staging/restore-test-request.ts';

type Announce = <T>(step: string, work: () => Promise<T>) => Promise<T>;

export const logins = [
  {
    email: 'pm@example.com',
    name: 'Ana Pereira',
    password: 'demo-password-pm',
    permissions: ['product_manager'],
    can: 'product manager: edits in staging, transfers',
  },
  {
    email: 'editor@example.com',
    name: 'Ed Larsson',
    password: 'demo-password-editor',
    permissions: ['editor'],
    can: 'editor (QA, developer): edits in staging',
  },
  {
    email: 'viewer@example.com',
    name: 'Vic Tan',
    password: 'demo-password-viewer',
    permissions: [],
    can: 'viewer: looks',
  },
  {
    email: 'oncall@example.com',
    name: 'Noor Haddad',
    password: 'demo-password-oncall',
    permissions: ['on_call'],
    can: 'on call: may undo a transfer',
  },
  {
    email: 'admin@example.com',
    name: 'Olga Brandt',
    password: 'demo-password-admin',
    permissions: ['administrator'],
    can: 'administrator: people and permissions',
  },
  {
    email: 'client@example.com',
    name: 'Sam Okafor',
    password: 'demo-password-client',
    permissions: ['run_staging'],
    can: 'runs staging jobs: orders a database in production',
  },
  {
    email: 'data@example.com',
    name: 'Dana Kowal',
    password: 'demo-password-data',
    permissions: ['data_manager'],
    can: 'data manager: uploads and loads data files',
  },
  {
    email: 'moves@example.com',
    name: 'Mia Lindqvist',
    password: 'demo-password-moves',
    permissions: ['account_moves'],
    can: 'migrates accounts from the older system',
  },
];

/**
 * Migrates the databases of all three environments, and fills the environments with data if they
 * are new.
 */
export async function seed(
  variables: Record<keyof Environments, Record<string, string>>,
  {
    announce,
    isFresh,
    stagingUrl,
    publisherUrl,
    afterMigration,
  }: {
    announce: Announce;
    isFresh: boolean;
    /** The URL of the staging server, from which production requests staging databases. */
    stagingUrl: string;
    /** The URL of the web server of the invented publisher, from which staging fetches data files. */
    publisherUrl: string;
    afterMigration: (here: App) => Promise<void>;
  },
) {
  const all: Environments = {
    staging: openApp(parseSettings(variables.staging)),
    preprod: openApp(parseSettings(variables.preprod)),
    production: openApp(parseSettings(variables.production)),
  };
  try {
    await announce('Migrations', async () => {
      for (const here of Object.values(all)) {
        await upgrade({ here, say: () => {} });
        await publishSealingKey(here);
        await afterMigration(here);
      }
    });
    if (isFresh) {
      await announce('People', async () => {
        for (const here of Object.values(all)) await addPeople(here);
        await makeKeys(all.staging);
      });
      await announce('Production’s rows', () => fillProduction(all.production));
      await letTimePass(all, { days: 30 });
      await announce('Refresh to pre-production', () => refresh(all.preprod));
      await announce('Refresh to staging', () => refresh(all.staging));
      await announce('A week of work', () => workAWeek(all));
      await announce('A backup, restored as a test', () => backUp(all, stagingUrl));
      await announce('Three sources of data files', async () => {
        await seedSources(all.staging, publisherUrl);
        await runSources(all.staging);
      });
      await announce('A wave of accounts to migrate', async () => {
        await seedWave(all.staging);
        await seedDriving(all.staging);
      });
    }
  } finally {
    for (const here of Object.values(all)) await here.close();
  }
}

/**
 * Registers the staging server in production, so that people in production can request staging databases on it. Then
 * takes a backup and loads it in a restore test, which leaves a staging database for the first request, so that the
 * first request is fulfilled at once.
 */
async function backUp({ production, staging }: Environments, url: string) {
  const [token = ''] = staging.settings.copies?.tokens ?? [];
  const lab = { name: 'Lab', url, client: 'cosmos', level: 'lab', token };
  await environments.add(production, 'setup', lab);
  await runOne(production, await requestBackup(production, 'setup'));
  await runOne(staging, await requestRestoreTest(staging.sql, 'cosmos'));
}

async function runOne(here: App, { job }: { job: { id: string; name: string } }) {
  const ended = await runJob(here, tasks, job.id);
  if (ended?.state !== 'done') throw new Error(`${job.name} ended: ${ended?.problem}`);
}

async function addPeople(here: App) {
  for (const { email, name, password, permissions } of logins) {
    const id = await people.add(here, 'setup', { email, name, password });
    const may = permissions.filter(
      (one) => !(one === 'product_manager' && here.name === 'production'),
    );
    await people.setPermissions(here, here.setup, 'setup', id, may);
  }
}

const founder = { email: 'pm@example.com', isProductManager: true };

export async function fillProduction(here: App) {
  const home = { here, lease: here.settings.lease.milliseconds };
  for (const { name, changes } of await productionRows(here.storage)) {
    for (const part of parts(changes, 500)) {
      const sealed = await Promise.all(part.map((one) => withSealedSecrets(here, one)));
      await writeHere(home, founder, sealed, { name });
    }
  }
}

async function withSealedSecrets(here: App, { entity, before, after }: Change): Promise<Change> {
  const sealed = after && (await sealSecrets(here, entity, after, null));
  return { entity, before, after: sealed && { ...after, ...sealed } };
}

function parts(changes: Change[], size: number): Change[][] {
  const count = Math.ceil(changes.length / size);
  return Array.from({ length: count }, (_, index) =>
    changes.slice(index * size, (index + 1) * size),
  );
}

async function refresh(here: App) {
  await runOne(here, await requestRefresh(here, founder.email, false));
}
