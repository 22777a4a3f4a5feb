// Opens the reader of a move: of the store, or of a dump.
import type { App } from '../environments/app.ts';
import { Unavailable } from '../problems.ts';
import { dumpReader } from './dump-reader.ts';
import type { Move } from './moves.ts';
import type { Reader } from './reader.ts';
import { storeReader } from './store-reader.ts';

/**
 * Opens what a move reads from; the caller closes it.
 * @throws Unavailable when the settings of account migrations are not there any more
 */
export function openReader(
  here: App,
  { external_id: account, reader, location }: Pick<Move, 'external_id' | 'reader' | 'location'>,
): Reader {
  const { moves } = here.settings;
  if (!moves) {
    throw new Unavailable('Account migrations are not set up here: CONVERSATIONS_URL is not set.');
  }
  return reader === 'dump'
    ? dumpReader(moves, { storage: here.storage, location: location ?? '', account })
    : storeReader(moves, account, here.halt.signal);
}
