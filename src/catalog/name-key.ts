// When two names count as the same: one rule for forms, unique values, linked names and name mappings, in both
// databases.

/**
 * The key that equal names share. They may differ in case, width, invisible characters, kinds of space and composed
 * or decomposed spelling, as in Unicode’s NFKC_Casefold. Accents count.
 */
export const nameKey = (name: string): string =>
  name
    .normalize('NFKC')
    .replaceAll(SPACES, ' ')
    .replaceAll(INVISIBLE, '')
    // Upper case is applied first, because it maps ß, ſ and ς to SS, S and Σ.
    .toUpperCase()
    .toLowerCase()
    .normalize('NFKC')
    .replaceAll(/ +/g, ' ')
    .trim();

const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{Cc}]/gu;
const SPACES = /\s+/g;

export const isSameName = (one: string, other: string): boolean =>
  one === other || nameKey(one) === nameKey(other);
