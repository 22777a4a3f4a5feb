// The program `oneway`: the command line for everything that a product manager or an engineer would script. Commands
// read the same settings as the server.
import { Command, CommanderError } from 'commander';
import { Problem } from '../problems.ts';
import { BadSettings } from '../settings.ts';
import { exits, Incompatible, UsageError } from './cli.ts';
import { withoutValues } from '../environments/app.ts';
import { SheetProblems } from '../sheet/problem.ts';
import { filesFor } from './files.ts';

const program = new Command('oneway')
  .description('Commands for one environment; settings come from its environment variables.')
  // Without positional options, a command would swallow the option --json of its subcommand.
  .enablePositionalOptions()
  .showHelpAfterError('Add --help to see how it is used.')
  .configureHelp({ showGlobalOptions: true })
  .addHelpText(
    'after',
    `
Rows are written as type:id, such as task:12. With --json every command answers one JSON document.
Exit codes: 0 success, 1 refused or failed, 2 usage error, 3 database being updated or of another
version, 4 differences found (diff, release-check).

  oneway sign-in --email you@example.com
  oneway status
  oneway diff task:12
  oneway transfer task:12 form:3 --dry-run
  oneway transfer task:12 form:3 --name "Autumn texts" --yes
  oneway undo 41 --reason "The text was wrong" --yes
  oneway datasets upload rainfall.csv --dataset statistics/rainfall`,
  );

for (const { load } of filesFor(process.argv[2])) (await load())(program);

/**
 * Makes commander throw an error on wrong usage, so that the program ends with the exit code for
 * wrong usage; commander itself would end with 1.
 */
function tellUse(command: Command) {
  command.exitOverride();
  command.commands.forEach(tellUse);
}
tellUse(program);

async function problemsOf({ problems }: SheetProblems) {
  const { listed } = await import('./transfers.ts');
  return { problems: listed(problems) };
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? exits.done : exits.usage;
  } else if (error instanceof Problem || error instanceof BadSettings) {
    if (process.argv.includes('--json')) {
      const problems = error instanceof SheetProblems ? await problemsOf(error) : {};
      console.log(JSON.stringify({ error: error.message, ...problems }));
    }
    console.error(error.message);
    process.exitCode =
      error instanceof Incompatible
        ? exits.closed
        : error instanceof UsageError
          ? exits.usage
          : exits.refused;
  } else {
    const { type, ...known } = withoutValues(error);
    const reason = 'message' in known ? `${type}, ${known.message}` : type;
    const text = `It failed for a reason that this program does not know: ${reason}. Run it again with LOG_LEVEL=debug and give what it prints to an engineer.`;
    if (process.argv.includes('--json')) console.log(JSON.stringify({ error: text }));
    console.error(text);
    if (process.env['LOG_LEVEL'] === 'debug') console.error(error);
    process.exitCode = exits.refused;
  }
}
