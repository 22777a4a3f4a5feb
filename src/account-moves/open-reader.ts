// Opens the reader of a move: of the store, or of a dump.
import type { App } from '../environments/app.ts';
import type { Move } from './moves.ts';
import type { Reader } from './reader.ts';

/** Opens what a move reads from; the caller closes it. */
export function openReader(
  _here: App,
  _move: Pick<Move, 'external_id' | 'reader' | 'location'>,
): Reader {
  throw new Error('to do');
}
