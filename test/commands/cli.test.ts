// Tests the prompts of the command line. The program `script` of util-linux runs each tested process at a terminal.
import { spawn } from 'node:child_process';
import { surroundings } from '../support/left-behind.ts';
import { expect, test } from 'vitest';

/** Runs `code` at a terminal, and types the given answer to each question that `code` asks. */
async function atTerminal(code: string, answers: Record<string, string>) {
  const program = `import { confirmed, secret } from './src/commands/cli.ts'; ${code}`;
  const child = spawn('script', ['-qefc', `"$NODE" --input-type=module -e "$CODE"`, '/dev/null'], {
    env: { ...surroundings(), NODE: process.execPath, CODE: program },
  });
  let shown = '';
  const open = new Map(Object.entries(answers));
  child.stdout.on('data', (part: Buffer) => {
    shown += part.toString();
    for (const [question, answer] of open) {
      if (shown.includes(question)) {
        child.stdin.write(answer);
        open.delete(question);
      }
    }
  });
  const status = await new Promise((resolve) => child.once('exit', resolve));
  return { status, shown };
}

test('a password is read from a terminal without showing it', async () => {
  const { status, shown } = await atTerminal(
    `console.log('characters:', (await secret('Password')).length)`,
    { Password: 'correct horse\r' },
  );
  expect(status).toBe(0);
  expect(shown).toContain('characters: 13');
  expect(shown).not.toContain('horse');
});

test.each([
  ['y\r', 'true'],
  ['n\r', 'false'],
  ['\r', 'false'],
])('a yes-or-no prompt in a terminal reads the typed text %j as %s', async (typed, meaning) => {
  const { shown } = await atTerminal(`console.log('meaning:', await confirmed('Send 3 rows?'))`, {
    'Send 3 rows?': typed,
  });
  expect(shown).toContain(`meaning: ${meaning}`);
});

test('cancelling a prompt with Ctrl-C ends the command with a message that nothing was written', async () => {
  const { shown } = await atTerminal(
    `await confirmed('Send 3 rows?').catch((error) => console.log(error.name, error.message))`,
    { 'Send 3 rows?': '\u0003' },
  );
  expect(shown).toContain('Nothing was written.');
});
