// `oneway`: what an engineer or a script does from outside the pages. It reads the same settings as the server.
import { Command } from 'commander';
import { permissionNames, type Permission } from '../access/permissions.ts';
import { openHere, type Here } from '../environments/here.ts';
import { rung } from '../environments/ladder.ts';
import * as claims from '../journal/claims.ts';
import * as people from '../people/people.ts';
import { Problem } from '../problems.ts';
import { copyDown } from '../promotion/copy-down.ts';
import { clearUpdating, setUpdating, upgrade } from './migration.ts';
import { BadSettings, parseSettings } from '../settings.ts';
import { currentVersion } from '../version/db-version.ts';
import { readVersion } from '../version/metadata.ts';
import { inWords, standingOf } from '../version/standing.ts';
import { count, when } from '../web/words.ts';

const OPERATOR = 'oneway command';
/** For work that mends what does not fit. */
const whateverItsVersion = { isAboutVersion: true };

const program = new Command('oneway')
  .description('Commands for one environment; settings come from its environment variables.')
  .showHelpAfterError();

const db = program.command('db').description('the databases of this environment');
db.command('migrate')
  .option('--patience <seconds>', 'how long to wait for transfers under way', '600')
  .description('bring MySQL and MongoDB to the shape of this program, with everybody else kept out')
  .action(({ patience }: { patience: string }) =>
    at(async (here) => {
      const say = (line: string) => console.log(line);
      const applied = await upgrade({ here, say, patience: Number(patience) * 1000 });
      for (const name of applied) console.log(`applied ${name}`);
      console.log(`${rung(here.name).label} is at version ${currentVersion()}.`);
    }, whateverItsVersion),
  );
db.command('version')
  .description('which version the database has, and which this program supports')
  .action(() =>
    at(async (here) => {
      const version = await readVersion(here.documents);
      const { supportedVersion: supported } = here.settings;
      console.log(`database:  ${version?.databaseVersion ?? 'not known'}`);
      console.log(`supported: ${supported}`);
      const standing = standingOf(version, supported);
      console.log(standing.kind === 'open' ? 'They fit.' : inWords(standing));
    }, whateverItsVersion),
  );
db.command('updating')
  .option('--set', 'keep everybody out')
  .option('--clear', 'let everybody in again')
  .description('show, set or clear the mark that the database is being updated')
  .action(({ set, clear }: { set?: boolean; clear?: boolean }) =>
    at((here) => markUpdating(here, { set, clear }), whateverItsVersion),
  );

async function markUpdating(
  here: Here,
  { set, clear }: { set: boolean | undefined; clear: boolean | undefined },
) {
  const version = await readVersion(here.documents);
  const marked = version?.isUpdating
    ? `It was marked as being updated since ${version.since ?? 'it is not known when'} by ${version.by ?? 'it is not known whom'}.`
    : 'It is not marked as being updated.';
  if (set === true && clear === true) throw new Problem(422, 'Choose one: --set or --clear.');
  console.log(marked);
  if (set === true) {
    await setUpdating(here, version?.databaseVersion ?? currentVersion());
    console.log('Everybody is kept out now, until “oneway db updating --clear”.');
  } else if (clear === true) {
    await clearUpdating(here);
    console.log('The door is open.');
  }
}

program
  .command('refresh')
  .description(
    "copy production's rows down into this environment; rows with work of their own stay",
  )
  .action(() => at(refresh));

const permissions = program.command('permissions').description('what people may do here');
permissions
  .command('revoke')
  .argument('<permission>', permissionNames.join(', '))
  .description('take a permission from everyone here')
  .action((name: string) =>
    at(async (here) => {
      const from = await people.revokeFromEveryone(here, OPERATOR, known(name));
      console.log(
        from.length > 0 ? `${name} taken from: ${from.join(', ')}` : `Nobody here has ${name}.`,
      );
    }),
  );

program
  .command('people')
  .description('accounts of this environment')
  .command('add')
  .requiredOption('--name <name>')
  .requiredOption('--email <email>')
  .option('--permissions <list>', 'with commas between', '')
  .description('add a person; the password is read from standard input')
  .action((options: { name: string; email: string; permissions: string }) =>
    at(async (here) => {
      const password = await firstLine();
      const id = await people.add(here, OPERATOR, { ...options, password });
      const wanted = options.permissions.split(',').filter(Boolean);
      await people.setPermissions(here, here.grounds, OPERATOR, id, wanted);
      console.log(`${options.email} may sign in to ${rung(here.name).inText}.`);
    }),
  );

const held = program
  .command('claims')
  .description('rows of this environment that a transfer holds')
  .action(() =>
    at(async (here) => {
      const all = await claims.held(here.sql);
      if (all.length === 0) console.log('No transfer holds rows here.');
      for (const { transfer, number, origin, person, since, rows_count: rows } of all) {
        console.log(
          `${transfer}  transfer ${number} from ${origin}, ${person}, ${count(rows)} rows, ${when(since)}`,
        );
      }
    }, whateverItsVersion),
  );
held
  .command('release')
  .argument('<transfer>', 'its id, as the list shows it')
  .requiredOption('--reason <reason>', 'why its own environment will not end it; kept in the audit')
  .description('take away the claims of a transfer whose origin is gone for good')
  .action((transfer: string, { reason }: { reason: string }) =>
    at(async (here) => {
      const found = await claims.releaseByHand(here, transfer, { person: OPERATOR, reason });
      if (found === 0) throw new Problem(404, `No claims of ${transfer} are here.`);
      console.log(`${count(found)} claims released.`);
    }, whateverItsVersion),
  );

function known(name: string): Permission {
  const permission = permissionNames.find((one) => one === name);
  if (!permission) throw new Problem(422, `Choose one of: ${permissionNames.join(', ')}`);
  return permission;
}

async function firstLine(): Promise<string> {
  let text = '';
  for await (const part of process.stdin) text += String(part);
  return text.split('\n')[0] ?? '';
}

async function refresh(here: Here) {
  if (!here.source) {
    throw new Problem(422, 'REFRESH_SOURCE_* is not set: there is nothing to copy down from.');
  }
  const next = here.destination;
  const report = await copyDown({
    here,
    there: next?.name === here.source.name ? here.source : next,
    source: here.source,
    lease: here.settings.lease.milliseconds,
    progress: ({ entity, rows }) => console.log(`${entity.label.many}: ${count(rows)}`),
  });
  const { created, updated, same, leftAlone } = report;
  console.log(
    `${count(created)} created, ${count(updated)} updated, ${count(same)} the same already.`,
  );
  if (leftAlone.length > 0) {
    console.log(`${count(leftAlone.length)} left alone, because they have work of their own:`);
    for (const { key, title, why } of leftAlone) {
      console.log(`  ${key.entity} ${key.id} “${title}”: ${why}`);
    }
  }
}

/** The program does not fit the database, or the database is being updated. */
class Unfit extends Problem {}

/**
 * Opens this environment for one piece of work.
 * @throws Unfit when the database is being updated or of another version, unless the work is about just that
 */
async function at(
  work: (here: Here) => Promise<void>,
  { isAboutVersion } = { isAboutVersion: false },
) {
  const here = openHere(parseSettings({ LOG_LEVEL: 'warn', ...process.env }));
  try {
    const standing = await here.standing();
    if (!isAboutVersion && standing.kind !== 'open') throw new Unfit(503, inWords(standing));
    await work(here);
  } finally {
    await here.close();
  }
}

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof Problem || error instanceof BadSettings)) throw error;
  console.error(error.message);
  process.exitCode = error instanceof Unfit ? 3 : 1;
}
