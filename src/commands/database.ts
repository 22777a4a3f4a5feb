// The commands `oneway db`, for operators of the databases, and `oneway claims`, which lists and releases the claims
// with which transfers reserve rows for writing.
import type { Command } from 'commander';
import type { App } from '../environments/app.ts';
import { grantsFile } from '../release/grants.ts';
import { rulesOf } from '../environments/rules.ts';
import * as claims from '../writing/claims.ts';
import { Problem } from '../problems.ts';
import { currentVersion } from '../version/db-version.ts';
import { readVersion } from '../version/metadata.ts';
import { explain, compatibilityOf } from '../version/compatibility.ts';
import { count, when } from '../web/format.ts';
import { actor, answer, withApp, print, UsageError, anyVersion } from './cli.ts';
import { clearUpdating, setUpdating, upgrade } from '../release/upgrade.ts';

export function addDatabase(program: Command) {
  const db = program.command('db').description('the databases of this environment');
  db.command('migrate')
    .option('--patience <seconds>', 'how long to wait for transfers in progress', '600')
    .description(
      'bring MySQL and MongoDB to the shape of this program, with everybody else kept out',
    )
    .action(({ patience }: { patience: string }) =>
      withApp(async (here) => {
        const seconds = Number(patience);
        if (!(seconds >= 0))
          throw new UsageError(`--patience ${patience}: write a number of seconds.`);
        const applied = await upgrade({ here, say: print, waitMs: seconds * 1000 });
        for (const name of applied) print(`applied ${name}`);
        print(`${rulesOf(here.name).label} is at version ${currentVersion()}.`);
      }, anyVersion),
    );
  db.command('version')
    .description('which version the database has, and which this program supports')
    .action(() => withApp(showVersion, anyVersion));
  db.command('updating')
    .option('--set', 'keep everybody out')
    .option('--clear', 'let everybody in again')
    .description('show, set or clear the mark that the database is being updated')
    .action(({ set, clear }: { set?: boolean; clear?: boolean }) =>
      withApp((here) => markUpdating(here, { set, clear }), anyVersion),
    );

  db.command('grants')
    .argument(
      '<database>',
      'its name; the users are called <database>_migrator, _app, _arrivals, _reader',
    )
    .description(
      'print the SQL that gives each user of a MySQL database the least rights that work',
    )
    .action((database: string) => print(grantsFile(database).trimEnd()));

  const held = program
    .command('claims')
    .description('rows of this environment that a transfer holds')
    .option('--json')
    .action(({ json }: { json?: boolean }) =>
      withApp((here) => listClaims(here, json), anyVersion),
    );
  held
    .command('release')
    .argument('<transfer>', 'its id, as the list shows it')
    .requiredOption(
      '--reason <reason>',
      'why its own environment will not end it; kept in the audit',
    )
    .description('take away the claims of a transfer whose origin is gone for good')
    .action((transfer: string, { reason }: { reason: string }) =>
      withApp(async (here) => {
        const by = { person: await actor(here, 'administer'), reason };
        const found = await claims.releaseManually(here, transfer, by);
        if (found === 0) throw new Problem(404, `No claims of ${transfer} are here.`);
        print(`${count(found)} claims released.`);
      }, anyVersion),
    );
}

async function showVersion(here: App) {
  const version = await readVersion(here.documents);
  const { supportedVersion: supported } = here.settings;
  print(`database:  ${version?.databaseVersion ?? 'not known'}`);
  print(`supported: ${supported}`);
  const standing = compatibilityOf(version, supported);
  print(standing.kind === 'open' ? 'They fit.' : explain(standing));
}

async function markUpdating(
  here: App,
  { set, clear }: { set: boolean | undefined; clear: boolean | undefined },
) {
  const version = await readVersion(here.documents);
  const marked = version?.isUpdating
    ? `It was marked as being updated since ${version.since ?? 'it is not known when'} by ${version.by ?? 'it is not known whom'}.`
    : 'It is not marked as being updated.';
  if (set === true && clear === true) throw new Problem(422, 'Choose one: --set or --clear.');
  print(marked);
  if (set === true) {
    await setUpdating(here, version?.databaseVersion ?? currentVersion());
    print('Everybody is kept out now, until “oneway db updating --clear”.');
  } else if (clear === true) {
    await clearUpdating(here);
    print('The door is open.');
  }
}

async function listClaims(here: App, isJson: boolean | undefined) {
  const all = await claims.heldClaims(here.sql);
  answer(isJson, all, () =>
    all.length === 0
      ? ['No transfer holds rows here.']
      : all.map(
          ({ transfer, number, origin, person, since, rows_count: rows }) =>
            `${transfer}  transfer ${number} from ${origin}, ${person}, ${count(rows)} rows, ${when(since)}`,
        ),
  );
}
