// Opens the source that a migration reads: the older system’s store, or a dump (export) of the account.
import type { App } from '../environments/app.ts';
import { Unavailable } from '../problems.ts';
import { dumpReader } from './dump-reader.ts';
import type { Move } from './moves.ts';
import { AttachmentMissing, type Reader } from './reader.ts';
import { storeReader } from './store-reader.ts';

/**
 * Opens the source that a migration reads. The caller closes the reader.
 * @throws Unavailable when account migrations are no longer configured on this server
 */
export function openReader(
  here: App,
  {
    external_id: account,
    reader,
    location,
    former_location: former,
  }: Pick<Move, 'external_id' | 'reader' | 'location' | 'former_location'>,
): Reader {
  const { moves } = here.settings;
  if (!moves) {
    throw new Unavailable('Account migrations are not set up here: CONVERSATIONS_URL is not set.');
  }
  if (reader === 'store') return storeReader(moves, account, here.halt.signal);
  const dump = (at: string) => dumpReader(moves, { storage: here.storage, location: at, account });
  const opened = dump(location ?? '');
  return former === null ? opened : withAttachmentsOf(opened, dump(former));
}

/**
 * Wraps the reader of a dump: attachments that are missing in this dump are read from the dump that
 * the run read before.
 */
const withAttachmentsOf = (dump: Reader, former: Reader): Reader => ({
  ...dump,
  attachment: (of, signal) =>
    dump.attachment(of, signal).catch((error: unknown) => {
      const isMissing = error instanceof AttachmentMissing && error.fault === 'not-found';
      if (!isMissing) throw error;
      return former.attachment(of, signal);
    }),
  close: () => {
    dump.close();
    former.close();
  },
});
