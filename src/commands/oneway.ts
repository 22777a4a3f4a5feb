// `oneway`: what an engineer or a script does from outside the pages. It reads the same settings as the server.
import { Command } from 'commander';
import { permissionNames, type Permission } from '../access/permissions.ts';
import { migrate } from '../database/migrate.ts';
import { openHere, type Here } from '../environments/here.ts';
import { rung } from '../environments/ladder.ts';
import * as claims from '../journal/claims.ts';
import * as people from '../people/people.ts';
import { Problem } from '../problems.ts';
import { copyDown } from '../promotion/copy-down.ts';
import { BadSettings, parseSettings } from '../settings.ts';
import { currentVersion } from '../version/db-version.ts';
import { writeVersion } from '../version/metadata.ts';
import { count, when } from '../web/words.ts';

const OPERATOR = 'oneway command';

const program = new Command('oneway')
  .description('Commands for one environment; settings come from its environment variables.')
  .showHelpAfterError();

program
  .command('db')
  .description('the databases of this environment')
  .command('migrate')
  .description('bring MySQL and MongoDB to the shape of this program')
  .action(() =>
    at(async (here) => {
      const applied = await migrate(here.sql, here.documents);
      await writeVersion(here.documents, { databaseVersion: currentVersion(), isUpdating: false });
      for (const name of applied) console.log(`applied ${name}`);
      console.log(`${rung(here.name).label} is at version ${currentVersion()}.`);
    }),
  );

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
    }),
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
    }),
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

/** Opens this environment for one piece of work. */
async function at(work: (here: Here) => Promise<void>) {
  const here = openHere(parseSettings({ LOG_LEVEL: 'warn', ...process.env }));
  try {
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
  process.exitCode = 1;
}
