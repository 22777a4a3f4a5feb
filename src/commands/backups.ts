// The command `oneway backup`, which takes, lists, verifies and restores backups.
import type { Command } from 'commander';
import { clientOf, requestBackup, withBackups, type BackupReport } from '../backups/job.ts';
import { listBackups } from '../backups/list.ts';
import { readManifest, timesOf, type Manifest } from '../backups/manifest.ts';
import type { Source } from '../backups/read.ts';
import { verifyBackup } from '../backups/verify.ts';
import type { App } from '../environments/app.ts';
import { NotFound, Problem } from '../problems.ts';
import { restore } from '../release/restore.ts';
import { bytes, count } from '../web/format.ts';
import {
  actor,
  answer,
  anyVersion,
  columns,
  confirmed,
  print,
  withApp,
  withoutDatabases,
} from './cli.ts';
import { runHere } from './run-job.ts';

type Wanted = { client?: string; json?: boolean; yes?: boolean };

export function addBackups(program: Command) {
  const own = program.command('backup').description('backups of the catalogue, and restoring them');
  own
    .command('now')
    .option('--json')
    .description('take a backup, read it back, and remove outdated ones')
    .action(({ json }: Wanted) => withApp((here) => backUp(here, json)));
  own
    .command('list')
    .option('--client <client>', 'whose backups; BACKUPS_CLIENT when it is left out')
    .option('--json')
    .description('the complete backups, the newest first')
    .action((wanted: Wanted) => withApp((here) => list(here, wanted), withoutDatabases));
  own
    .command('verify')
    .argument('[time]', 'as the list shows it; the newest when it is left out')
    .option('--client <client>', 'whose backup; BACKUPS_CLIENT when it is left out')
    .option('--json')
    .description('read every file of a backup, and compare it with what was stored')
    .action((time: string | undefined, wanted: Wanted) =>
      withApp((here) => verify(here, time, wanted), withoutDatabases),
    );
  own
    .command('restore')
    .argument('[time]', 'as the list shows it; the newest when it is left out')
    .option('--client <client>', 'whose backup; BACKUPS_CLIENT when it is left out')
    .option('--yes', 'do not ask')
    .description('restore a backup into the new, empty databases of this environment')
    .action((time: string | undefined, wanted: Wanted) =>
      withApp((here) => restoreHere(here, time, wanted), anyVersion),
    );
}

async function backUp(here: App, isJson: boolean | undefined) {
  const requested = await requestBackup(here, await actor(here, 'administer'));
  const how = { running: 'A backup is being taken already', isQuiet: isJson === true };
  const report = await runHere<BackupReport>(here, requested, how);
  answer(isJson, report, () => [
    `Backup ${report.time}: ${count(report.rows)} rows, ${bytes(report.bytes)}${report.isEncrypted ? ', encrypted' : ''}.`,
    report.isVerified
      ? 'It was read back and is whole.'
      : 'It was not read back: BACKUPS_IDENTITY is not set here. “oneway backup verify” does it where it is.',
    ...report.columnsLeftOut.map(
      (column) => `not part of it, as it is not the catalogue's: ${column}`,
    ),
    ...report.removed.map((time) => `removed, as it is outdated: ${time}`),
  ]);
}

const list = (here: App, { client, json }: Wanted) =>
  withBackups(here, async (store) => {
    const of = client ?? clientOf(here);
    const lines = await listBackups(store, of);
    answer(json, lines, () =>
      lines.length === 0
        ? [`There are no backups of ${of}. “oneway backup now” takes one.`]
        : columns(
            lines.map((one) => [
              one.time,
              one.version,
              `${count(one.rows)} rows`,
              bytes(one.bytes),
              one.isEncrypted ? 'encrypted' : '',
            ]),
          ),
    );
  });

const verify = (here: App, time: string | undefined, { client, json }: Wanted) =>
  withBackup(here, { time, client }, async (source, manifest) => {
    const verified = await verifyBackup(source, manifest);
    answer(json, { time: manifest.time, ...verified }, () => [
      `Backup ${manifest.time} is whole: ${count(verified.files)} files, ${count(verified.rows)} rows, ${bytes(verified.bytes)}.`,
    ]);
  });

const restoreHere = (here: App, time: string | undefined, { client, yes }: Wanted) =>
  withBackup(here, { time, client }, async (source, manifest) => {
    const by = await actor(here, 'administer');
    const { label } = here.rules;
    const question = `Restore the backup ${manifest.time} of ${manifest.client} into ${label}, as ${by}?`;
    if (!(await confirmed(question, yes))) throw new Problem(422, 'Nothing was written.');
    await restore({ here, source, manifest, say: print });
    print(`${label} has the rows of ${manifest.instant}.`);
  });

/** Runs `work` with the backup of a given time, or with the newest one. */
const withBackup = <T>(
  here: App,
  { time, client }: { time: string | undefined; client: string | undefined },
  work: (source: Source, manifest: Manifest) => Promise<T>,
): Promise<T> =>
  withBackups(here, async (store) => {
    const of = client ?? clientOf(here);
    const wanted = time ?? (await timesOf(store, of))[0];
    if (wanted === undefined) throw new NotFound(`There are no backups of ${of}.`);
    const { identity } = here.settings.backups;
    return work({ store, identity }, await readManifest(store, { client: of, time: wanted }));
  });
