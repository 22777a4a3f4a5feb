// What all commands share: opening the environment, finding the signed-in person, printing answers, and exit codes.
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { may, type Ability } from '../access/permissions.ts';
import { whoMay } from '../access/who-may.ts';
import { openApp, type App } from '../environments/app.ts';
import { rulesOf } from '../environments/rules.ts';
import { unwillingHere } from '../environments/unreachable.ts';
import { inTime } from '../in-time.ts';
import type { Person } from '../people/people.ts';
import * as tokens from '../people/tokens.ts';
import { Forbidden, Problem } from '../problems.ts';
import { readSettings } from '../settings.ts';
import { explain } from '../version/compatibility.ts';
import { operator } from '../release/operator.ts';
import { refuseUnanswered, whileAnswering } from './answering.ts';

/** The exit codes. Scripts rely on them. */
export const exits = { done: 0, refused: 1, usage: 2, closed: 3, differs: 4 } as const;

/**
 * Thrown when a command cannot run, because program and database have different versions, or the database is marked as
 * being updated (migrated to another version).
 */
export class Incompatible extends Problem {}

/** Thrown when a command was called with wrong arguments; this error has a separate exit code. */
export class UsageError extends Problem {
  constructor(message: string) {
    super(422, message);
  }
}

/** Sets the exit code of a command that has already printed the reason. */
export const endWith = (ending: keyof typeof exits) => {
  process.exitCode = exits[ending];
};

export const print = (line: string) => console.log(line);

/** Prints an answer as one JSON document for scripts, or as lines of text for people. */
export function answer(isJson: boolean | undefined, data: unknown, words: () => string[]) {
  if (isJson) print(JSON.stringify(data, null, 2));
  else for (const line of words()) print(line);
}

/**
 * The options of withApp() for commands that repair a database: they run even if the database has another version than
 * this program, or is marked as being updated.
 */
export const anyVersion = { isAboutVersion: true, isWithoutDatabases: false };

/**
 * The options of withApp() for commands that use neither database: they work even after the
 * databases are lost.
 */
export const withoutDatabases = { isAboutVersion: true, isWithoutDatabases: true };

/**
 * Opens the environment and runs one command with it.
 * @throws Incompatible when the database is marked as being updated or has another version than this program, unless
 * the command repairs such a database
 */
export async function withApp(
  work: (here: App) => Promise<void>,
  { isAboutVersion, isWithoutDatabases } = { isAboutVersion: false, isWithoutDatabases: false },
) {
  const here = openApp(readSettings(process.env, { LOG_LEVEL: 'error' }));
  try {
    if (isWithoutDatabases) {
      await work(here);
    } else {
      await refuseUnanswered(here);
      const standing = await here.compatibility();
      if (!isAboutVersion && standing.kind !== 'open')
        throw new Incompatible(503, explain(standing));
      await whileAnswering(here, work(here));
    }
  } catch (error) {
    throw error instanceof Problem ? error : (unwillingHere(error, here) ?? error);
  } finally {
    // Closing the connections waits for the servers, and a server that does not answer must not
    // keep the command from ending.
    await inTime(500, here.close()).catch(() => {});
    // An open connection to a server that does not answer would keep the process alive.
    setTimeout(() => process.exit(), 200).unref();
  }
}

/**
 * Returns the name for the audit log: the signed-in person, or the user of the operating system if
 * nobody is signed in.
 * @throws Problem when the sign-in has expired, Forbidden when the signed-in person may not do this
 */
export async function actor(here: App, ability: Ability): Promise<string> {
  const found = await signedIn(here);
  return found === null ? operator() : permitted(here, found, ability).email;
}

function permitted({ setup: grounds }: App, found: Person, ability: Ability): Person {
  if (!may(found, ability, grounds)) throw new Forbidden(whoMay(ability, grounds));
  return found;
}

const tokenFile = ({ name }: App) =>
  join(process.env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'oneway', `${name}.token`);

export async function saveToken(here: App, token: string) {
  const file = tokenFile(here);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(file, `${token}\n`, { mode: 0o600 });
  await chmod(file, 0o600);
  return file;
}

export const forgetToken = (here: App) => rm(tokenFile(here), { force: true });

/**
 * Returns the signed-in person; null when nobody is signed in.
 * @throws Problem when the sign-in has expired. An expired sign-in must not count as no sign-in: a command without a
 * sign-in runs with the rights of the operating-system user, who may do more.
 */
export async function signedIn(here: App): Promise<Person | null> {
  const given = process.env['ONEWAY_TOKEN'];
  const token = given ?? (await readFile(tokenFile(here), 'utf8').catch(() => ''));
  if (token === '') return null;
  const found = await tokens.holderOf(here, token);
  if (!found) {
    throw new Problem(
      401,
      'This sign-in does not hold any more: “oneway sign-in” again, or “oneway sign-out” (and unset ONEWAY_TOKEN).',
    );
  }
  return found;
}

/**
 * Returns the signed-in person.
 * @throws Problem when nobody is signed in, Forbidden when the person may not do this
 */
export async function person(here: App, ability: Ability): Promise<Person> {
  const found = await signedIn(here);
  if (!found) {
    throw new Problem(
      401,
      `Sign in first: oneway sign-in --email you@example.com (or set ONEWAY_TOKEN). This acts in ${rulesOf(here.name).inText}, and the audit names you.`,
    );
  }
  return permitted(here, found, ability);
}

/** Reads a password: typed without echo at a terminal, otherwise from the first line of standard input. */
export async function secret(question: string): Promise<string> {
  if (process.stdin.isTTY) {
    const { password } = await import('@inquirer/prompts');
    return password({ message: question, mask: false }, onTerminal).catch(endPrompt);
  }
  return (await text(process.stdin)).split('\n')[0] ?? '';
}

/** Asks for confirmation at a terminal. Scripts pass --yes instead. */
export async function confirmed(question: string, isYes: boolean | undefined): Promise<boolean> {
  if (isYes) return true;
  if (!process.stdin.isTTY) {
    throw new Problem(422, 'Nothing was written: add --yes, or run it at a terminal.');
  }
  const { confirm } = await import('@inquirer/prompts');
  return confirm({ message: question, default: false }, onTerminal).catch(endPrompt);
}

// Questions go to standard error, because scripts capture standard output.
const onTerminal = { output: process.stderr };

/**
 * Ends the command with a message when the user presses Ctrl-C at a question, because Ctrl-C is not
 * an error of the program.
 */
function endPrompt(error: unknown): never {
  if (error instanceof Error && error.name === 'ExitPromptError') {
    throw new Problem(422, 'Nothing was written.');
  }
  throw error;
}

/** Pads cells so that columns line up. */
export function columns(rows: string[][]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, index) => (widths[index] = Math.max(widths[index] ?? 0, [...cell].length)));
  }
  return rows.map((row) =>
    row
      .map((cell, index) => cell + ' '.repeat((widths[index] ?? 0) - [...cell].length))
      .join('  ')
      .trimEnd(),
  );
}
