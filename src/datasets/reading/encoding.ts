// Detects the encoding of a file and decodes its bytes. Bytes that are invalid in the encoding are an error; they never
// become replacement characters, because those would change cells unnoticed.
import chardet from 'chardet';
import { isAscii } from 'node:buffer';
import { Unreadable } from './reading.ts';

/** Thrown when bytes are invalid in the encoding. */
export class WrongEncoding extends Error {}

export const notIn = (encoding: string) =>
  new Unreadable('encoding', `The file has bytes that are not ${encoding}. Choose its encoding.`);

const marks: [bytes: number[], encoding: string][] = [
  [[0xef, 0xbb, 0xbf], 'utf-8'],
  [[0xff, 0xfe], 'utf-16le'],
  [[0xfe, 0xff], 'utf-16be'],
];

/**
 * Detects the encoding from the first bytes: by a byte order mark, or by the zero bytes of UTF-16.
 * Returns null if the first bytes show neither.
 */
export function encodingByStart(head: Uint8Array): string | null {
  const mark = marks.find(([bytes]) => bytes.every((byte, index) => head[index] === byte));
  return mark?.[1] ?? utf16ByZeros(head);
}

/**
 * Detects UTF-16 by its zero bytes: each delimiter, digit and line end has one, always the first or
 * always the second byte of the pair. If most line ends have no zero byte, the file has another
 * encoding and contains NUL characters.
 */
function utf16ByZeros(head: Uint8Array): string | null {
  const zeros: [number, number] = [0, 0];
  for (let index = 0; index < head.length; index += 1) {
    if (head[index] === 0) zeros[index % 2 === 0 ? 0 : 1] += 1;
  }
  const [even, odd] = zeros;
  const units = head.length / 2;
  if (Math.max(even, odd) < units / 10 || Math.min(even, odd) * 10 >= Math.max(even, odd))
    return null;
  const { whole, halves } = lineEndsIn(head, even > odd ? 1 : 0);
  const isUtf16 = whole + halves > 0 ? whole >= halves : Math.max(even, odd) * 2 >= units;
  if (!isUtf16) return null;
  return even > odd ? 'utf-16be' : 'utf-16le';
}

/**
 * Counts bytes of CR and LF with a zero byte beside them (`whole`) and without one (`halves`).
 * `low`: the index of the character byte within each pair of bytes.
 */
function lineEndsIn(head: Uint8Array, low: 0 | 1): { whole: number; halves: number } {
  const isEnd = (byte: number | undefined) => byte === 10 || byte === 13;
  let [whole, halves] = [0, 0];
  for (let index = 0; index + 1 < head.length; index += 2) {
    const [lower, upper] = [head[index + low], head[index + 1 - low]];
    if (isEnd(lower) && upper === 0) whole += 1;
    else if (isEnd(lower) || isEnd(upper)) halves += 1;
  }
  return { whole, halves };
}

/**
 * Decodes bytes to text, chunk by chunk.
 * @throws WrongEncoding for bytes that are invalid in the encoding
 */
export async function* decoded(
  content: AsyncIterable<Uint8Array>,
  encoding: string,
): AsyncGenerator<string> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  for await (const chunk of gathered(content)) yield decode(decoder, chunk);
  yield decode(decoder);
}

const CHUNK = 64 * 1024;

/**
 * Joins small chunks to larger ones, because each chunk costs the parser the same overhead whatever
 * its size.
 */
async function* gathered(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of content) {
    parts.push(chunk);
    size += chunk.length;
    if (size < CHUNK) continue;
    yield parts.length === 1 ? chunk : Buffer.concat(parts);
    parts = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(parts);
}

function decode(decoder: InstanceType<typeof TextDecoder>, chunk?: Uint8Array): string {
  try {
    return chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode();
  } catch (error) {
    throw new WrongEncoding(`These bytes are not ${decoder.encoding}`, { cause: error });
  }
}

/** Returns the standard name of an encoding, or null if there is no encoding with this label. */
export function encodingNamed(label: string): string | null {
  try {
    return new TextDecoder(label).encoding;
  } catch {
    return null;
  }
}

const SAMPLE = 256 * 1024;

/**
 * Returns a sample of the chunks that contain bytes beyond ASCII, because only those bytes tell one
 * encoding from another.
 */
export async function sampleOf(content: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of content) {
    if (isAscii(chunk)) continue;
    parts.push(chunk);
    size += chunk.length;
    if (size >= SAMPLE) break;
  }
  return Buffer.concat(parts).subarray(0, SAMPLE);
}

/**
 * Proposes an encoding for a file that is not UTF-8. The fallback is windows-1252, in which every
 * byte is valid.
 */
export function proposeEncoding(sample: Uint8Array): string {
  const found = chardet.analyse(sample).map(({ name, confidence }) => ({
    encoding: encodingNamed(name),
    confidence,
  }));
  const usual = found.find(({ encoding }) => encoding === USUAL)?.confidence ?? 0;
  const other = found.find(
    ({ encoding }) => encoding !== null && encoding !== USUAL && !encoding.startsWith('utf-'),
  );
  // Another encoding must score more than 10 points above windows-1252, because chardet gives 10 points even for bytes
  // that it knows nothing about.
  const isSurer = other !== undefined && other.confidence > usual + 10;
  return isSurer && canDecode(sample, other.encoding ?? USUAL) ? (other.encoding ?? USUAL) : USUAL;
}

export const USUAL = 'windows-1252';

function canDecode(sample: Uint8Array, encoding: string): boolean {
  try {
    new TextDecoder(encoding, { fatal: true }).decode(sample, { stream: true });
    return true;
  } catch {
    return false;
  }
}
