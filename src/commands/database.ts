// `oneway db` and `oneway claims`: for who runs the databases.
import type { Command } from 'commander';
import type { Here } from '../environments/app.ts';
import { rung } from '../environments/rules.ts';
import * as claims from '../writing/claims.ts';
import { Problem } from '../problems.ts';
import { currentVersion } from '../version/db-version.ts';
import { readVersion } from '../version/metadata.ts';
import { inWords, standingOf } from '../version/compatibility.ts';
import { count, when } from '../web/format.ts';
import { actor, answer, at, say, Usage, whateverItsVersion } from './cli.ts';
import { clearUpdating, setUpdating, upgrade } from '../release/upgrade.ts';

export function addDatabase(program: Command) {
  const db = program.command('db').description('the databases of this environment');
  db.command('migrate')
    .option('--patience <seconds>', 'how long to wait for transfers under way', '600')
    .description(
      'bring MySQL and MongoDB to the shape of this program, with everybody else kept out',
    )
    .action(({ patience }: { patience: string }) =>
      at(async (here) => {
        const seconds = Number(patience);
        if (!(seconds >= 0)) throw new Usage(`--patience ${patience}: write a number of seconds.`);
        const applied = await upgrade({ here, say, patience: seconds * 1000 });
        for (const name of applied) say(`applied ${name}`);
        say(`${rung(here.name).label} is at version ${currentVersion()}.`);
      }, whateverItsVersion),
    );
  db.command('version')
    .description('which version the database has, and which this program supports')
    .action(() => at(showVersion, whateverItsVersion));
  db.command('updating')
    .option('--set', 'keep everybody out')
    .option('--clear', 'let everybody in again')
    .description('show, set or clear the mark that the database is being updated')
    .action(({ set, clear }: { set?: boolean; clear?: boolean }) =>
      at((here) => markUpdating(here, { set, clear }), whateverItsVersion),
    );

  const held = program
    .command('claims')
    .description('rows of this environment that a transfer holds')
    .option('--json')
    .action(({ json }: { json?: boolean }) =>
      at((here) => listClaims(here, json), whateverItsVersion),
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
      at(async (here) => {
        const by = { person: await actor(here, 'administer'), reason };
        const found = await claims.releaseByHand(here, transfer, by);
        if (found === 0) throw new Problem(404, `No claims of ${transfer} are here.`);
        say(`${count(found)} claims released.`);
      }, whateverItsVersion),
    );
}

async function showVersion(here: Here) {
  const version = await readVersion(here.documents);
  const { supportedVersion: supported } = here.settings;
  say(`database:  ${version?.databaseVersion ?? 'not known'}`);
  say(`supported: ${supported}`);
  const standing = standingOf(version, supported);
  say(standing.kind === 'open' ? 'They fit.' : inWords(standing));
}

async function markUpdating(
  here: Here,
  { set, clear }: { set: boolean | undefined; clear: boolean | undefined },
) {
  const version = await readVersion(here.documents);
  const marked = version?.isUpdating
    ? `It was marked as being updated since ${version.since ?? 'it is not known when'} by ${version.by ?? 'it is not known whom'}.`
    : 'It is not marked as being updated.';
  if (set === true && clear === true) throw new Problem(422, 'Choose one: --set or --clear.');
  say(marked);
  if (set === true) {
    await setUpdating(here, version?.databaseVersion ?? currentVersion());
    say('Everybody is kept out now, until “oneway db updating --clear”.');
  } else if (clear === true) {
    await clearUpdating(here);
    say('The door is open.');
  }
}

async function listClaims(here: Here, isJson: boolean | undefined) {
  const all = await claims.held(here.sql);
  answer(isJson, all, () =>
    all.length === 0
      ? ['No transfer holds rows here.']
      : all.map(
          ({ transfer, number, origin, person, since, rows_count: rows }) =>
            `${transfer}  transfer ${number} from ${origin}, ${person}, ${count(rows)} rows, ${when(since)}`,
        ),
  );
}
