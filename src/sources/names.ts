// Names of files and keys of their objects. Any name that a server lists can be stored, and a key can be read back.
import { createHash } from 'node:crypto';
import { cleanLine } from '../typed-text.ts';

/** What an object store and the column of a name can hold. */
const MOST = { characters: 255, bytes: 240 };

/**
 * The name under which a listed file is stored: the listed one, unless it has invisible characters or is too long.
 * Then its beginning with a digest of the whole name, so that two such names stay different.
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

/** Matches what an object key cannot contain, and the sign that such a character is written with. */
const unfit = /^\.|[%/\\\p{Cc}\ufffe\uffff]/gu;

const encoded = (name: string) => name.replaceAll(unfit, (found) => `%${hexOf(found)}`);
const hexOf = (character: string) => character.charCodeAt(0).toString(16).padStart(4, '0');
const decoded = (part: string) =>
  part.replaceAll(/%([0-9a-f]{4})/g, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16)));

/** Where the files of a source are stored. */
export const folderOf = (source: number) => `datafiles/${source}/`;

/** The key of a fetched file: `datafiles/<source>/<fetch>/<name>`. */
export const keyOf = (source: number, { name, fetch }: { name: string; fetch: number }) =>
  `${folderOf(source)}${fetch}/${encoded(name)}`;

/** The name and fetch of a stored file; null for a key that is not one of this source’s. */
export function fileOfKey(source: number, key: string): { name: string; fetch: number } | null {
  const [, fetch = '', part = ''] =
    /^([1-9]\d{0,8})\/([^/]+)$/.exec(key.slice(folderOf(source).length)) ?? [];
  const file = { name: decoded(part), fetch: Number(fetch) };
  return part !== '' && keyOf(source, file) === key ? file : null;
}

/** The name of the file at an address: the last part of its path. */
export function nameAt(url: URL): string {
  const last = url.pathname.split('/').findLast((part) => part !== '') ?? '';
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

/**
 * Whether a name matches one of the patterns with spaces or commas between them: `*.csv`, `rain-????.csv`. `*` is any
 * text and `?` one character; letters match in either case.
 */
export const matches = (patterns: string, name: string): boolean =>
  patterns
    .split(/[\s,]+/)
    .some(
      (pattern) =>
        pattern !== '' && matchesOne([...pattern.toLowerCase()], [...name.toLowerCase()]),
    );

/** Matches in at most pattern × name steps: only the last `*` is ever tried again. */
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
