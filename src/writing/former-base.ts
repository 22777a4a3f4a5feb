// The base of a row (the last content that both sides had in common) before a step, as the step keeps it for its undo: as
// canonical text; as a mark if it equals the row before the step; or as a mark with its hash if no row and no history has
// that content any more, because other programs changed both sides.
import { canonical } from '../catalog/content.ts';
import { entityNamed } from '../catalog/index.ts';
import type { Step } from './transfer.ts';

/** The mark of a base that equals the row before the step, as most bases do. No canonical text begins with a mark. */
export const AS_BEFORE = '=';

const HASH_ALONE = '#';

/** Returns what a step keeps of a base whose content nobody has any more. */
export const markOfHash = (hash: string): string => `${HASH_ALONE}${hash}`;

/** Returns the hash of a former base whose content nobody has any more; null if its content is known. */
export const hashAlone = (base: string): string | null =>
  base.startsWith(HASH_ALONE) ? base.slice(HASH_ALONE.length) : null;

/** Returns the base before a step, as canonical text or as the mark of its hash; null if the row had no base. */
export function baseBefore({ entity, before, base = null }: Step): string | null {
  return base === AS_BEFORE ? before && canonical(entityNamed(entity), before) : base;
}
