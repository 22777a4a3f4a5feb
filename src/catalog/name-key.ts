// Decides whether two names count as equal, with one rule for forms, unique values, linked names and name mappings,
// in both databases.

/**
 * Returns the key of a name; names with the same key count as equal. Such names may differ in case,
 * width, invisible characters, kinds of space, and composed or decomposed spelling, as in Unicode’s
 * NFKC_Casefold. Names with different accents have different keys.
 */
export const nameKey = (name: string): string =>
  name
    .normalize('NFKC')
    .replaceAll(SPACES, ' ')
    .replaceAll(INVISIBLE, '')
    // Upper case comes first, because only upper case turns ß, ſ and ς into SS, S and Σ.
    .toUpperCase()
    .toLowerCase()
    .normalize('NFKC')
    .replaceAll(/ +/g, ' ')
    .trim();

const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{Cc}]/gu;
const SPACES = /\s+/g;

export const isSameName = (one: string, other: string): boolean =>
  one === other || nameKey(one) === nameKey(other);
