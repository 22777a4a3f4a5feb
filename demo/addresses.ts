// Prints what a person needs after the demo has started.
import { ladder, rulesOf } from '../src/environments/rules.ts';
import { logins } from './seed.ts';

type Others = { folder: string; mailbox: number; publisher: number; older: number };

/** Prints the addresses of the demo, its logins, and what to try. */
export function printAddresses(ports: number[], { folder, mailbox, publisher, older }: Others) {
  console.log('');
  for (const [index, name] of ladder.entries()) {
    console.log(`  ${rulesOf(name).label.padEnd(16)} http://localhost:${ports[index]}`);
  }
  console.log('');
  for (const { email, password, can } of logins) {
    console.log(`  ${email.padEnd(24)} ${password.padEnd(22)} ${can}`);
  }
  console.log('\nThe same logins work on all three servers. Ctrl-C stops everything.');
  console.log(`The command line: (set -a; . ${folder}/staging.env; bin/oneway --help)`);
  console.log(
    `E-mail of all three arrives at http://localhost:${mailbox}; as an administrator, send one from Notifications.`,
  );
  console.log(
    `Staging pulls data files from http://localhost:${publisher}, where you can correct the broken one.`,
  );
  console.log(
    `A client of the signed API: ${folder}/client.env has its HAWK key; docs/signed-api.md shows how to call it.`,
  );
  console.log(
    `Accounts move into staging from the older system, http://localhost:${older}: open the app of one there, and watch its inbox fill.`,
  );
  console.log('“Sign in with single sign-on” on one of them signs you in on all three.');
}
