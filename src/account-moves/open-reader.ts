// Opens the reader of a move: of the store, or of a dump.
import type { App } from '../environments/app.ts';
import { Unavailable } from '../problems.ts';
import { dumpReader } from './dump-reader.ts';
import type { Move } from './moves.ts';
import { AttachmentMissing, type Reader } from './reader.ts';
import { storeReader } from './store-reader.ts';

/**
 * Opens what a move reads from; the caller closes it.
 * @throws Unavailable when the settings of account migrations are not there any more
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

/** A dump whose attachments may also stand in the one that was read before it. */
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
