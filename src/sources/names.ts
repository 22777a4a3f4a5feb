// Converts between the names of files at a data source and their keys in object storage. Every file name gets a valid
// key, and the key can be converted back into the name.
import { createHash } from 'node:crypto';
import { cleanLine } from '../typed-text.ts';

/**
 * The longest file name: `characters` fit into the database column, `bytes` into an object storage
 * key.
 */
const MOST = { characters: 255, bytes: 240 };

/**
 * Returns the name under which a listed file is stored. If the listed name is too long or has
 * invisible characters, returns its beginning with a digest of the whole name, so that two such
 * names stay different.
 */
export function storedName(listed: string): string {
  const clean = cleanLine(listed.toWellFormed());
  if (clean === listed && isShort(clean)) return clean;
  const digest = createHash('sha256').update(listed).digest('hex').slice(0, 16);
  const ending = /\.\w{1,8}(\.gz)?$/.exec(clean)?.[0] ?? '';
  let start = '';
  for (const character of clean.slice(0, clean.length - ending.length)) {
    if (!isShort(`${start}${character}~${digest}${ending}`)) break;
    start += character;
  }
  return `${start}~${digest}${ending}`;
}

const isShort = (name: string) =>
  name !== '' && name.length <= MOST.characters && Buffer.byteLength(encoded(name)) <= MOST.bytes;

/**
 * Matches the characters that an object storage key cannot contain, and `%`, with which `encoded`
 * replaces such characters.
 */
const unfit = /^\.|[%/\\\p{Cc}\ufffe\uffff]/gu;

const encoded = (name: string) => name.replaceAll(unfit, (found) => `%${hexOf(found)}`);
const hexOf = (character: string) => character.charCodeAt(0).toString(16).padStart(4, '0');
const decoded = (part: string) =>
  part.replaceAll(/%([0-9a-f]{4})/g, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16)));

/** Returns the prefix of the object storage keys of a data source’s files. */
export const folderOf = (source: number) => `datafiles/${source}/`;

/** Returns the object storage key of a fetched file: `datafiles/<source>/<fetch>/<name>`. */
export const keyOf = (source: number, { name, fetch }: { name: string; fetch: number }) =>
  `${folderOf(source)}${fetch}/${encoded(name)}`;

/**
 * Returns the file name and fetch number from an object storage key; null if the key does not belong to a file of this
 * data source.
 */
export function fileOfKey(source: number, key: string): { name: string; fetch: number } | null {
  const [, fetch = '', part = ''] =
    /^([1-9]\d{0,8})\/([^/]+)$/.exec(key.slice(folderOf(source).length)) ?? [];
  const file = { name: decoded(part), fetch: Number(fetch) };
  return part !== '' && keyOf(source, file) === key ? file : null;
}

/** Returns the file name in a URL: the last part of the path. */
export function nameAt(url: URL): string {
  const last = url.pathname.split('/').findLast((part) => part !== '') ?? '';
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

/**
 * Whether a file name matches one of several patterns with spaces or commas between them: `*.csv`,
 * `rain-????.csv`. `*` stands for any text and `?` for one character. Upper and lower case are
 * equal.
 */
export const matches = (patterns: string, name: string): boolean =>
  patterns
    .split(/[\s,]+/)
    .some(
      (pattern) =>
        pattern !== '' && matchesOne([...pattern.toLowerCase()], [...name.toLowerCase()]),
    );

/**
 * Matches a file name against one pattern. Backtracks only to the last `*`, so that a match never
 * takes more steps than the length of the pattern times the length of the name.
 */
function matchesOne(pattern: string[], name: string[]): boolean {
  let [at, from] = [0, 0];
  let star: { at: number; from: number } | null = null;
  while (from < name.length) {
    if (pattern[at] === '*') {
      star = { at, from };
      at += 1;
    } else if (pattern[at] === '?' || pattern[at] === name[from]) {
      at += 1;
      from += 1;
    } else if (star) {
      star.from += 1;
      from = star.from;
      at = star.at + 1;
    } else {
      return false;
    }
  }
  return pattern.slice(at).every((one) => one === '*');
}
