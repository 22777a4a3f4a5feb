// The base of a row (the last content that both sides had in common) before a step, as the step keeps it for its undo: as
// canonical text, or as a mark with its hash if no row and no history has that content any more, because other programs
// changed both sides.
import type { DestinationState } from '../state/destination-state.ts';

/** No canonical text begins with this mark. */
const HASH_ALONE = '#';

/** Returns what a step keeps of the recorded base of its row; null if the row has no base. */
export function formerBaseOf(state: DestinationState | undefined): string | null {
  const { base_content: content = null, base_hash: hash = null } = state ?? {};
  return content ?? (hash && `${HASH_ALONE}${hash}`);
}

/** Returns the hash of a former base whose content nobody has any more; null if its content is known. */
export const hashAlone = (base: string): string | null =>
  base.startsWith(HASH_ALONE) ? base.slice(HASH_ALONE.length) : null;
