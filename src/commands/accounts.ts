// The commands for signing in, and for people and their permissions.
import type { Command } from 'commander';
import { isPermission, permissionNames, type Permission } from '../access/permissions.ts';
import type { App } from '../environments/app.ts';
import { rulesOf } from '../environments/rules.ts';
import * as invitations from '../people/invitations.ts';
import * as people from '../people/people.ts';
import * as tokens from '../people/tokens.ts';
import { Problem } from '../problems.ts';
import {
  actor,
  answer,
  withApp,
  columns,
  forgetToken,
  saveToken,
  print,
  secret,
  signedIn,
  withoutDatabases,
} from './cli.ts';

export function addAccounts(program: Command) {
  program
    .command('sign-in')
    .description(
      'sign in on the command line; the password is read from the terminal or standard input',
    )
    .requiredOption('--email <email>')
    .option('--print', 'print the token for ONEWAY_TOKEN instead of keeping it')
    .action(({ email, print }: { email: string; print?: boolean }) =>
      withApp((here) => signIn(here, email, print)),
    );
  program
    .command('sign-out')
    .description('forget who is signed in here')
    .action(() =>
      withApp(async (here) => {
        await forgetToken(here);
        print('Signed out.');
      }, withoutDatabases),
    );
  program
    .command('whoami')
    .description('who is signed in, and what they may do')
    .option('--json')
    .action(({ json }: { json?: boolean }) => withApp((here) => whoAmI(here, json)));

  const accounts = program
    .command('people')
    .description('accounts of this environment')
    .option('--json')
    .action(({ json }: { json?: boolean }) => withApp((here) => listPeople(here, json)));
  accounts
    .command('add')
    .requiredOption('--name <name>')
    .requiredOption('--email <email>')
    .option('--permissions <list>', 'with commas between', '')
    .description(
      'add a person and print their invitation; a password on standard input is taken instead',
    )
    .action((options: { name: string; email: string; permissions: string }) =>
      withApp((here) => addPerson(here, options)),
    );

  const permissions = program.command('permissions').description('what people may do here');
  permissions
    .command('give')
    .argument('<permission>', permissionNames.join(', '))
    .requiredOption('--to <email>')
    .description('give a permission to a person')
    .action((name: string, { to }: { to: string }) =>
      withApp(async (here) => {
        const change = { email: to, permission: known(name), isGiven: true };
        await people.changePermission(here, here.setup, await actor(here, 'administer'), change);
        print(`${to} has ${name} in ${rulesOf(here.name).inText}.`);
      }),
    );
  permissions
    .command('revoke')
    .argument('<permission>', permissionNames.join(', '))
    .option('--from <email>', 'from one person')
    .description('take a permission from everyone here, or from one person')
    .action((name: string, { from }: { from?: string }) =>
      withApp((here) => revoke(here, known(name), from)),
    );
}

async function signIn(here: App, email: string, isPrinted: boolean | undefined) {
  const found = await people.verify(here.sql, email, await secret('Password'));
  if (!found) throw new Problem(401, 'E-mail or password is wrong.');
  const token = tokens.issue(here, found);
  if (isPrinted) return print(token);
  const file = await saveToken(here, token);
  print(
    `${found.name} is signed in to ${rulesOf(here.name).inText} for ${here.settings.session.hours} hours (${file}).`,
  );
}

async function whoAmI(here: App, isJson: boolean | undefined) {
  const found = await signedIn(here);
  if (!found) throw new Problem(401, 'Nobody is signed in: oneway sign-in --email you@example.com');
  const { name, email, permissions } = found;
  answer(isJson, { name, email, permissions, environment: here.name }, () => [
    `${name} <${email}> in ${rulesOf(here.name).inText}: ${permissions.join(', ') || 'may look'}`,
  ]);
}

async function listPeople(here: App, isJson: boolean | undefined) {
  const all = await people.list(here.sql);
  const shown = all.map(({ credential: _secret, ...one }) => one);
  answer(isJson, shown, () =>
    columns(
      all.map(({ name, email, permissions, isActive }) => [
        email,
        name,
        permissions.join(', ') || 'may look',
        isActive ? '' : 'closed',
      ]),
    ),
  );
}

async function addPerson(here: App, options: { name: string; email: string; permissions: string }) {
  const by = await actor(here, 'administer');
  const wanted = options.permissions.split(',').filter(Boolean).map(known);
  const password = process.stdin.isTTY ? '' : await secret('Password');
  const { name, email } = options;
  const id = await people.add(
    here,
    by,
    password === '' ? { name, email } : { name, email, password },
  );
  await people.setPermissions(here, here.setup, by, id, wanted);
  if (password === '') {
    const token = await invitations.invite(here, by, id);
    print(
      `Give this link to ${name}; it works once, within a day: ${invitations.linkOf(here, token)}`,
    );
  } else {
    print(`${email} may sign in to ${rulesOf(here.name).inText}.`);
  }
}

async function revoke(here: App, permission: Permission, from: string | undefined) {
  const by = await actor(here, 'administer');
  if (from !== undefined) {
    const change = { email: from, permission, isGiven: false };
    await people.changePermission(here, here.setup, by, change);
    return print(`${permission} taken from: ${from}`);
  }
  const holders = await people.revokeFromEveryone(here, by, permission);
  print(
    holders.length > 0
      ? `${permission} taken from: ${holders.join(', ')}`
      : `Nobody here has ${permission}.`,
  );
}

function known(name: string): Permission {
  if (isPermission(name)) return name;
  throw new Problem(422, `Choose one of: ${permissionNames.join(', ')}`);
}
