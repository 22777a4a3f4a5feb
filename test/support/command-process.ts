// A process in which the commands `oneway` of a test file run one after the other. Each command runs the whole program
// src/commands/oneway.ts; only the modules that it imports stay loaded, because loading them takes ten times as long as
// most commands.
import { createReadStream, openSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';

export type Call = { words: string[]; variables: Record<string, string>; input: string };

const [, , calls = '', answers = ''] = process.argv;
const program = new URL('../../src/commands/oneway.ts', import.meta.url);
const answer = openSync(answers, 'w');
let count = 0;

// A command calls process.exit() when a connection stays open. Here this call does nothing, because this process must
// run the next command, too.
const exit = process.exit.bind(process);
process.exit = (() => {}) as unknown as typeof process.exit;

/** Collects what is written to a stream from now on, and returns a function that reads the collected text. */
function collect(stream: NodeJS.WriteStream): () => string {
  const parts: Buffer[] = [];
  stream.write = (part: string | Uint8Array, ...more: unknown[]) => {
    parts.push(Buffer.from(part as string));
    const done = more.at(-1);
    if (typeof done === 'function') done();
    return true;
  };
  return () => Buffer.concat(parts).toString('utf8');
}

async function run({ words, variables, input }: Call) {
  process.env = { ...variables };
  process.argv = [process.execPath, program.pathname, ...words];
  process.exitCode = undefined;
  Object.defineProperty(process, 'stdin', { value: Readable.from([input]), configurable: true });
  const [stdout, stderr] = [collect(process.stdout), collect(process.stderr)];
  program.search = `?call=${(count += 1)}`;
  await import(program.href);
  process.removeAllListeners('SIGINT');
  return { status: process.exitCode ?? 0, stdout: stdout(), stderr: stderr() };
}

for await (const line of createInterface({ input: createReadStream(calls) })) {
  writeSync(answer, `${JSON.stringify(await run(JSON.parse(line) as Call))}\n`);
}
exit(0);
