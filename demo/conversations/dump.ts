// Writes a dump (an export of one account) to the object storage, as Conversations does, so that Oneway can migrate it.
import { pipeline, Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { Objects } from '../../src/storage/objects.ts';
import { asJson } from './accounts.ts';
import { contentOf } from './media.ts';
import { messageItems, threadItems, type Item, type Wanted } from './records.ts';

export type Dumped = {
  account_id: string;
  /**
   * The messages, newest first. A string is written to the dump unchanged, as a line of its own, and need not be valid
   * JSON.
   */
  messages: Iterable<Item | string>;
  threads: Iterable<Item | string>;
  attachments: Iterable<{ id: string; content: Buffer }>;
};

/** Returns the content of the dump (export) of a generated account. */
export const dumpOf = (account: Wanted): Dumped => ({
  account_id: account.id,
  messages: messageItems(account),
  threads: threadItems(account),
  attachments: attachmentsOf(account),
});

function* attachmentsOf(account: Wanted) {
  for (const { attachments = [] } of messageItems(account)) {
    for (const { id } of attachments as { id: string }[]) {
      const found = contentOf(account.id, id);
      if (found) yield { id, content: found.body };
    }
  }
}

/**
 * Writes a dump (export) of one account to the object storage, below `prefix`, which ends with a slash. The manifest is
 * written last, because a dump without a manifest is incomplete.
 */
export async function writeDump(
  storage: Objects,
  prefix: string,
  { account_id, messages, threads, attachments }: Dumped,
  { perPart = 10_000 } = {},
): Promise<void> {
  const files: { name: string; records: number; bytes: number; sha256: string }[] = [];
  const write = async (name: string, records: Iterable<Item | string>) => {
    let count = 0;
    function* lines() {
      for (const record of records) {
        count += 1;
        yield `${typeof record === 'string' ? record : asJson(record)}\n`;
      }
    }
    const packed = pipeline(Readable.from(lines()), createGzip({ level: 6 }), () => {});
    const { size, checksum } = await storage.put(prefix + name, packed);
    files.push({ name, records: count, bytes: size, sha256: checksum });
    return count;
  };

  const left = messages[Symbol.iterator]();
  let written = 0;
  for (let part = 1, isMore = true; isMore; part += 1) {
    const name = `messages/${String(part).padStart(4, '0')}.ndjson.gz`;
    const count = await write(name, some(left, perPart));
    written += count;
    isMore = count === perPart;
  }
  const threadCount = await write('threads.ndjson.gz', threads);
  let attachmentCount = 0;
  for (const { id, content } of attachments) {
    await storage.put(`${prefix}attachments/${id}`, content);
    attachmentCount += 1;
  }
  const manifest = {
    format: 1,
    account_id,
    written_at: new Date().toISOString(),
    messages: written,
    threads: threadCount,
    attachments: attachmentCount,
    files,
  };
  await storage.put(`${prefix}manifest.json`, Buffer.from(JSON.stringify(manifest, null, 2)));
}

function* some<T>(from: Iterator<T>, most: number): Generator<T> {
  for (let count = 0; count < most; count += 1) {
    const { done, value } = from.next();
    if (done) return;
    yield value;
  }
}
