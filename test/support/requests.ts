// Parts of random requests that no page of Oneway would send. The same seed gives the same requests again.

/** Makes random numbers from a seed (mulberry32), the same numbers on every machine. */
export function randomFrom(seed: number) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (most: number) => Math.floor(next() * most);
  return { below, pick: <T>(list: readonly T[]): T => list[below(list.length)] as T };
}
export type Random = ReturnType<typeof randomFrom>;

export const strangeTexts = [
  '',
  ' ',
  '0',
  '1',
  '-1',
  '2',
  'yes',
  'all',
  'task:1',
  'zzz:1',
  'task:9999999999999999',
  'city:1',
  'task:1/title',
  '__proto__/x',
  'constructor/x',
  '__proto__',
  'constructor',
  'toString',
  'NaN',
  '1e309',
  'Infinity',
  '0x1',
  '99999999999999999999',
  '2026-02-30T09:00',
  '+275760-09-13',
  "' or 1=1 -- ",
  '{"$gt":""}',
  '[]',
  '{"theirs":{},"mine":{},"merged":{},"fields":["title"],"version":1}',
  '{"theirs":{},"mine":{},"merged":{"__proto__":[]},"fields":[],"version":1e400}',
  'a\0b',
  '\u{1F600}',
  'ÄÖ\u200b\u202e',
  '%',
  '%00',
  '../../etc/passwd',
  '//example.com',
  'https://@/',
  `${'a'.repeat(64)}.png`,
  'x'.repeat(65),
  'x'.repeat(300),
  '😀'.repeat(200),
  ' '.repeat(3000),
  '#'.repeat(3000),
  'line\r\n'.repeat(300),
  '0192f0c0-0000-7000-8000-000000000000',
];

/** Returns a field name in every form that a parser of forms may turn into an object or an array. */
export const strangeNames = (name: string): string[] => [
  name,
  `${name}[]`,
  `${name}[0]`,
  `${name}[a]`,
  `${name}[toString]`,
  `${name}[__proto__]`,
  `${name}[49999999]`,
  `${name}[4294967294]`,
  `${name}[-1]`,
  `${name}[0][x]`,
  `${name}[0][city]`,
  `${name}[0][city][x]`,
  `${name}[task:1][title]`,
  `${name}[__proto__][x]`,
  `${name}[constructor][prototype]`,
  `${name}.x`,
  `${name}[`,
  `[${name}]`,
];

/** Encodes fields as a multipart form. */
export function inParts(entries: [string, string][], boundary = 'x-x-x'): string {
  const parts = entries.map(
    ([name, text]) =>
      `--${boundary}\r\nContent-Disposition: form-data; name="${name.replaceAll('"', '%22')}"\r\n\r\n${text}\r\n`,
  );
  return `${parts.join('')}--${boundary}--\r\n`;
}
