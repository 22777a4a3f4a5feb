// Reads the manifest of a dump, an account’s export in several files. The manifest lists these files. It is written
// last, so a dump without a manifest is incomplete.
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { NotFound } from '../problems.ts';
import type { Objects } from '../storage/objects.ts';
import { SourceFailed } from './reader.ts';

const count = z.number().int().min(0);
const file = z.object({
  name: z.string().regex(/^(messages\/\d{4,}|threads)\.ndjson\.gz$/),
  records: count,
  sha256: z.string().regex(/^[\da-f]{64}$/),
});
const schema = z.object({
  format: z.literal(1),
  account_id: z.string(),
  messages: count,
  threads: count,
  files: z.array(file),
});

export type DumpFile = z.infer<typeof file>;
/** `parts`: the files of messages, newest messages first. `threads`: the file of threads. */
export type DumpManifest = { parts: DumpFile[]; threads: DumpFile };

/**
 * Reads the manifest of an account’s dump.
 * @throws SourceFailed when the manifest is missing, belongs to another account, or contradicts
 * itself
 */
export async function readManifest(dump: Objects, account: string): Promise<DumpManifest> {
  const { success, data, error } = schema.safeParse(await contentOf(dump));
  if (!success) {
    const { path = [], message = '' } = error.issues[0] ?? {};
    throw damaged(`${path.join('.')}: ${message}`);
  }
  if (data.account_id !== account) {
    throw new SourceFailed(
      'no-dump',
      `The dump is of the account ${data.account_id}, not of ${account}.`,
    );
  }
  const parts = data.files
    .filter(({ name }) => name !== THREADS)
    .toSorted((one, other) => numberOf(one) - numberOf(other));
  const threads = data.files.find(({ name }) => name === THREADS);
  if (!threads) throw damaged(`it lists no ${THREADS}`);
  if (parts.some((part, index) => numberOf(part) !== index + 1)) {
    throw damaged('the files of messages are not numbered from 0001 on');
  }
  const messages = parts.reduce((sum, { records }) => sum + records, 0);
  if (messages !== data.messages || threads.records !== data.threads) {
    throw damaged('its counts are not those of its files');
  }
  return { parts, threads };
}

const THREADS = 'threads.ndjson.gz';
const numberOf = ({ name }: DumpFile) => Number(/\d+/.exec(name)?.[0]);

async function contentOf(dump: Objects): Promise<unknown> {
  try {
    return JSON.parse(await text(await dump.read('manifest.json')));
  } catch (error) {
    if (error instanceof NotFound || error instanceof TypeError) {
      throw new SourceFailed(
        'no-dump',
        'There is no manifest.json at this location: the dump is elsewhere, or not complete.',
      );
    }
    if (error instanceof SyntaxError) throw damaged('it is not JSON');
    throw error;
  }
}

const damaged = (what: string) =>
  new SourceFailed('damaged', `The manifest of the dump cannot be used: ${what}.`);
