// The command `oneway credentials` for the keys of apps, clients and jobs. A secret is printed only once, when its
// key is created.
import type { Command } from 'commander';
import * as credentials from '../access/credentials.ts';
import { kinds } from '../access/secrets.ts';
import { publishSealingKey, sealAgain } from '../access/secret-fields.ts';
import { encryptAgain } from '../access/verification.ts';
import { catalog } from '../catalog/index.ts';
import { parseInstant } from '../catalog/instant.ts';
import type { App } from '../environments/app.ts';
import { Problem } from '../problems.ts';
import { exactly, when } from '../web/format.ts';
import { actor, answer, columns, endWith, print, UsageError, withApp } from './cli.ts';

type Output = { json?: boolean };
type Wanted = Output & { kind: string; name: string; scope: string[]; expires?: string };
type Rotated = Output & { grace: string; expires?: string };

export function addCredentials(program: Command) {
  const own = program.command('credentials').description('keys of apps, clients and jobs');
  // Listing is a subcommand, too. If the parent command listed, its option --json would swallow the
  // --json of every subcommand.
  own
    .command('list', { isDefault: true })
    .option('--json')
    .description('what there is, with the state of each key')
    .action(({ json }: Output) => withApp((here) => listCredentials(here, json)));
  own
    .command('create')
    .requiredOption('--name <name>')
    .requiredOption('--scope <scope...>', 'such as catalog:task or catalog:*')
    .option('--kind <kind>', kinds.join(', '), 'bearer')
    .option('--expires <instant>', 'such as 2027-01-01T00:00:00Z')
    .option('--json')
    .description('make a credential; its secret is printed once')
    .action((wanted: Wanted) => withApp((here) => create(here, wanted)));
  own
    .command('rotate')
    .argument('<id>')
    .option('--grace <hours>', 'how long the former key works beside the new one', '168')
    .option('--expires <instant>', 'when the new key ends')
    .option('--json')
    .description('add a second key; its secret is printed once')
    .action((id: string, how: Rotated) => withApp((here) => rotate(here, id, how)));
  own
    .command('revoke')
    .argument('<id>')
    .option('--key <key>', 'this key alone; all of them when it is left out')
    .description('end the keys of a credential at once')
    .action((id: string, { key }: { key?: string }) => withApp((here) => revoke(here, id, key)));
  own
    .command('encrypt-again')
    .description(
      'encrypt every HAWK secret and seal every secret of the catalogue with CREDENTIALS_KEY',
    )
    .action(() => withApp(encryptWithCurrentKey));
}

async function listCredentials(here: App, isJson: boolean | undefined) {
  const all = await credentials.list(here.sql);
  answer(isJson, all, () =>
    columns(
      all.flatMap(({ id, kind, name, scopes, keys }) =>
        keys.map((key) => [
          String(id),
          kind,
          name,
          scopes.join(' '),
          `${key.public_part} (key ${key.id})`,
          key.expires_at ? `${key.state}, ${exactly(key.expires_at)}` : key.state,
          key.used_at ? `used ${when(key.used_at)}` : 'never used',
        ]),
      ),
    ),
  );
}

async function create(here: App, { kind, name, scope, expires, json }: Wanted) {
  const known = kinds.find((one) => one === kind);
  if (!known) throw new UsageError(`Choose one of: ${kinds.join(', ')}`);
  const by = await actor(here, 'administer');
  const expiresAt = instantOf(expires);
  tell(await credentials.create(here, by, { kind: known, name, scopes: scope, expiresAt }), json);
}

async function rotate(here: App, id: string, { grace, expires, json }: Rotated) {
  const graceHours = numberOf(grace);
  const by = await actor(here, 'administer');
  const how = { graceHours, expiresAt: instantOf(expires) };
  tell(await credentials.rotate(here, by, numberOf(id), how), json);
}

const tell = (issued: credentials.Issued, isJson: boolean | undefined) =>
  answer(isJson, issued, () => [
    `Credential ${issued.credential}, key ${issued.publicPart}. The secret is not shown again:`,
    issued.secret,
  ]);

async function revoke(here: App, id: string, key: string | undefined) {
  const by = await actor(here, 'administer');
  await credentials.revoke(here, by, numberOf(id), key === undefined ? null : numberOf(key));
  print(key === undefined ? `Credential ${id} is revoked.` : `Key ${key} is revoked.`);
}

async function encryptWithCurrentKey(here: App) {
  const { credentialsKeys } = here.settings;
  if (!credentialsKeys) throw new Problem(422, 'Set CREDENTIALS_KEY first.');
  await actor(here, 'administer');
  const hawk = await encryptAgain(here.sql, credentialsKeys);
  await publishSealingKey(here);
  const rows = await sealAgain(here.sql, credentialsKeys, catalog);
  print(`${hawk.encrypted} secrets of HAWK clients are encrypted again.`);
  print(`${rows.sealed} secrets of the catalogue are sealed.`);
  const unreadable = [...hawk.unreadable, ...rows.unreadable];
  if (unreadable.length > 0) {
    print(`Not readable with the keys of the settings: ${unreadable.join(', ')}`);
    endWith('refused');
  }
}

function numberOf(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`${text} is not a number.`);
  return Number(text);
}

function instantOf(text: string | undefined): Date | null {
  if (text === undefined) return null;
  const instant = parseInstant(text);
  if (instant === null) {
    throw new UsageError(`${text} is not an instant, such as 2027-01-01T00:00:00Z.`);
  }
  return new Date(instant);
}
