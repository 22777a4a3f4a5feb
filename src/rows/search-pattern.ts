// Turns a search text into a regular expression that MariaDB, MySQL and MongoDB interpret alike, so that searches in
// both stores find the same rows. The stored texts themselves are searched: a separate search key in each row would be
// outdated when another program writes the row.

/** Combining accents and invisible characters, which a search ignores. */
const PASSED_OVER =
  '\u0300-\u036F\u1AB0-\u1AFF\u1DC0-\u1DFF\u20D0-\u20FF\uFE20-\uFE2F' +
  '\u00AD\u034F\u061C\u180E\u200B-\u200F\u202A-\u202E\u2060-\u2064\uFE00-\uFE0F\uFEFF';
const passedOver = new RegExp(`[${PASSED_OVER}]`, 'gu');
const SPACE = '[ \\t\\r\\n\u00A0\u2000-\u200A\u202F\u3000]+';

/**
 * A search uses at most this many characters of the text, because PCRE accepts no pattern longer
 * than 64 kB.
 */
const LONGEST = 100;

/**
 * Returns a regular expression that ignores case, accents, width, invisible characters and composed
 * or decomposed spelling. Returns null for a text without a visible character, which matches every
 * row.
 */
export function searchPattern(text: string): string | null {
  const parts = partsOf(text);
  return parts.length === 0 ? null : joined(parts);
}

/**
 * Returns regular expressions of at most `longest` characters, for servers that accept only short
 * ones. A longer expression is split into overlapping pieces, and a row must match all of them.
 */
export function searchPatterns(text: string, longest: number): string[] {
  const parts = partsOf(text);
  const pieces: string[] = [];
  for (let from = 0, to = 0; to < parts.length; from = Math.max(to - OVERLAP, from + 1)) {
    to = from + 1;
    while (to < parts.length && joined(parts.slice(from, to + 1)).length <= longest) to += 1;
    pieces.push(joined(parts.slice(from, to)));
  }
  return pieces;
}

const OVERLAP = 3;
const joined = (parts: string[]) => parts.join(`[${PASSED_OVER}]*`);

function partsOf(text: string): string[] {
  const characters = [...plain(text)].slice(0, LONGEST);
  const parts: string[] = [];
  for (let at = 0; at < characters.length;) {
    const [taken, part] = partAt(characters, at);
    parts.push(part);
    at += taken;
  }
  return parts;
}

/**
 * Returns a text in lower case, without accents, with one form of each character and with single
 * spaces.
 */
const plain = (text: string): string =>
  text
    .normalize('NFKD')
    .replaceAll(passedOver, '')
    .toUpperCase()
    .toLowerCase()
    // The final form of sigma, ς, counts as σ.
    .replaceAll('ς', 'σ')
    .normalize('NFKD')
    .replaceAll(passedOver, '')
    .normalize('NFC')
    .replaceAll(/\s+/g, ' ')
    .trim();

/**
 * Returns how many characters the next part of the pattern covers, and the pattern for these
 * characters.
 */
function partAt(characters: string[], at: number): [number, string] {
  for (const length of [3, 2]) {
    const several = characters.slice(at, at + length);
    const single = spellings().get(several.join(''));
    if (single && several.length === length) {
      return [length, `(?:${several.map(anySpelling).join(`[${PASSED_OVER}]*`)}|[${single}])`];
    }
  }
  return [1, anySpelling(characters[at] ?? '')];
}

function anySpelling(character: string): string {
  if (character === ' ') return SPACE;
  const single = `[${quoted(character)}${spellings().get(character) ?? ''}]`;
  const decomposed = character.normalize('NFD');
  return decomposed === character ? single : `(?:${single}|${decomposed})`;
}

const quoted = (character: string) =>
  /[\\^$.|?*+()[\]{}\-/]/.test(character) ? `\\${character}` : character;

let known: Map<string, string> | undefined;

/**
 * Maps each plain text to the other characters that a search for this text must match: `e` also
 * matches `EéÉèÈ…`, and `ss` also matches `ßẞ`.
 */
function spellings(): Map<string, string> {
  if (known) return known;
  known = new Map();
  for (const [from, to] of SCRIPTS_WITH_CASE_ACCENTS_OR_WIDTH) {
    for (let code = from; code <= to; code += 1) {
      const character = String.fromCodePoint(code);
      const meant = plain(character);
      if (meant !== '' && meant !== character && [...meant].length <= 3) {
        known.set(meant, (known.get(meant) ?? '') + quoted(character));
      }
    }
  }
  return known;
}

/**
 * The Unicode ranges of letters with variants in case, accent or width: Latin to Cherokee, phonetic
 * and polytonic Greek, circled letters, ligatures, full width.
 */
const SCRIPTS_WITH_CASE_ACCENTS_OR_WIDTH = [
  [0x21, 0x5ff],
  [0x10a0, 0x10ff],
  [0x13a0, 0x13ff],
  [0x1c80, 0x1cbf],
  [0x1e00, 0x1fff],
  [0x2070, 0x209f],
  [0x2100, 0x218f],
  [0x2460, 0x24ff],
  [0x2c00, 0x2dff],
  [0x3041, 0x30ff],
  [0xa640, 0xa7ff],
  [0xab30, 0xabbf],
  [0xfb00, 0xfb1c],
  [0xff01, 0xffdc],
  [0x10400, 0x104ff],
  [0x1e900, 0x1e943],
] as const;

/** The id in a search text such as `412` or `#412`; null if it contains none. */
export const idIn = (text: string): number | null =>
  /^#?\d{1,15}$/.test(text.trim()) ? Number(text.trim().replace('#', '')) : null;
