// The command `oneway copies`, which makes copies (staging databases) from backups, lists and drops them, extends how
// long they are kept, and protects them against being dropped.
import type { Command } from 'commander';
import { v7 as uuid } from 'uuid';
import type { App } from '../environments/app.ts';
import { fromSqlInstant } from '../database/sql.ts';
import { NotFound, Problem } from '../problems.ts';
import { accept } from '../staging/accept.ts';
import type { BuildReport } from '../staging/build.ts';
import * as copies from '../staging/copies.ts';
import type { Copy } from '../staging/copies.ts';
import { settingsOfCopies } from '../staging/databases.ts';
import { drop } from '../staging/drop.ts';
import { endProtection, keepLonger, protect } from '../staging/keep.ts';
import { levelSchema } from '../staging/names.ts';
import { requestRestoreTest } from '../staging/restore-test-request.ts';
import type { TestedBackup } from '../staging/restore-test.ts';
import { requestUpdate } from '../staging/update.ts';
import { actor, answer, columns, confirmed, print, withApp } from './cli.ts';
import { runHere } from './run-job.ts';

type Json = { json?: boolean };

/** Adds the command `oneway copies`, for the server where staging databases are made. */
export function addCopies(program: Command) {
  const own = program.command('copies').description('databases that were made here from backups');
  own
    .command('list')
    .option('--json')
    .description('the databases, the newest first')
    .action(({ json }: Json) => withApp((here) => listCopies(here, json)));
  own
    .command('build')
    .requiredOption('--client <client>', 'whose newest backup')
    .option('--level <level>', 'lab, test or ecom', 'lab')
    .option('--suffix <suffix>', 'at the end of the name', '')
    .option('--no-timestamp', 'without date and time in the name')
    .option('--replace', 'replace the database of this name')
    .option('--json')
    .description('make a database from the newest backup of a client')
    .action((wanted: WantedCopy) => withApp((here) => build(here, wanted)));
  own
    .command('keep')
    .argument('<name>')
    .description('keep a database for the usual time from now')
    .action((name: string) => withApp((here) => keep(here, name)));
  own
    .command('protect')
    .argument('<name>')
    .option('--days <days>', 'from 1 to 90; 0 ends the protection', '30')
    .description('protect a database: nothing drops it')
    .action((name: string, { days }: { days: string }) =>
      withApp((here) => protectHere(here, name, Number(days))),
    );
  own
    .command('update')
    .argument('<name>')
    .description('bring a database to the version of this program')
    .action((name: string) => withApp((here) => update(here, name)));
  own
    .command('drop')
    .argument('<name>')
    .option('--yes', 'do not ask')
    .description('drop a database')
    .action((name: string, { yes }: { yes?: boolean }) =>
      withApp((here) => dropHere(here, name, yes)),
    );
  own
    .command('restore-test')
    .requiredOption('--client <client>', 'whose newest backup')
    .option('--json')
    .description('restore the newest backup of a client, and compare it with what was backed up')
    .action(({ client, json }: Json & { client: string }) =>
      withApp((here) => restoreTest(here, client, json)),
    );
}

async function listCopies(here: App, isJson: boolean | undefined) {
  const { limit } = settingsOfCopies(here);
  const all = await copies.live(here.sql);
  const places = await copies.countSlots(here.sql);
  const shown = all.map(({ name, state, person, data_at: data, until, version }) => ({
    name,
    state,
    person,
    dataAt: fromSqlInstant(data),
    until: until && fromSqlInstant(until),
    version,
  }));
  answer(isJson, { used: places, limit, copies: shown }, () => [
    ...columns(shown.map((one) => [one.name, one.state, one.person, one.dataAt, one.until ?? ''])),
    `${places} of ${limit} are used.`,
  ]);
}

type WantedCopy = Json & {
  client: string;
  level: string;
  suffix: string;
  timestamp: boolean;
  replace?: boolean;
};

async function build(here: App, wanted: WantedCopy) {
  const person = await actor(here, 'run-staging');
  const level = levelSchema.safeParse(wanted.level);
  if (!level.success) throw new Problem(422, 'The level is lab, test or ecom.');
  const { client, suffix, timestamp, replace = false, json } = wanted;
  const { job } = await accept(here, {
    order: uuid(),
    client,
    level: level.data,
    timestamp,
    suffix,
    replace,
    person,
    callback: null,
  });
  if (!job) throw new Problem(500, 'The copy was not recorded.');
  const how = { running: 'It is being made already', isQuiet: json === true };
  const report = await runHere<BuildReport>(here, { job, isNew: true }, how);
  answer(json, report, () => [`${report.name} is ready: made of the backup ${report.backup}.`]);
}

async function copyNamed(here: App, name: string): Promise<Copy> {
  settingsOfCopies(here);
  const copy = await copies.named(here.sql, name);
  if (copy && copy.is_spare === 0) return copy;
  throw new NotFound(`There is no database ${name} that was made here: “oneway copies list”.`);
}

async function keep(here: App, name: string) {
  const by = await actor(here, 'run-staging');
  print(`${name} is kept until ${await keepLonger(here, await copyNamed(here, name), by)}.`);
}

async function protectHere(here: App, name: string, days: number) {
  const by = await actor(here, 'run-staging');
  const copy = await copyNamed(here, name);
  if (days === 0) {
    await endProtection(here, copy, by);
    print(`${name} is not protected any more.`);
  } else {
    print(`${name} is protected until ${await protect(here, copy, by, days)}.`);
  }
}

async function update(here: App, name: string) {
  const by = await actor(here, 'run-staging');
  const job = await requestUpdate(here, await copyNamed(here, name), by);
  await runHere(here, { job, isNew: true }, { running: 'It is being updated', isQuiet: false });
  print(`${name} is up to date.`);
}

async function dropHere(here: App, name: string, isSure: boolean | undefined) {
  const by = await actor(here, 'run-staging');
  const copy = await copyNamed(here, name);
  if (!(await confirmed(`Drop the database ${name}?`, isSure))) return;
  await drop(here, copy, by);
  print(`${name} is dropped.`);
}

async function restoreTest(here: App, client: string, isJson: boolean | undefined) {
  await actor(here, 'administer');
  settingsOfCopies(here);
  const requested = await requestRestoreTest(here.sql, client);
  const how = { running: 'A restore test is running already', isQuiet: isJson === true };
  const report = await runHere<{ tested: TestedBackup[] }>(here, requested, how);
  answer(isJson, report, () =>
    report.tested.map(
      ({ backup, problem }) =>
        `${client} ${backup ?? ''}: ${problem ?? 'restored, and the same as when it was taken'}`,
    ),
  );
  if (report.tested.some(({ problem }) => problem !== null)) process.exitCode = 1;
}
