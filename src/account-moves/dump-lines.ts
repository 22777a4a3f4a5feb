// Reads the lines of one file of a dump (an account’s export in several files) as a stream.
import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { NotFound } from '../problems.ts';
import type { Objects } from '../storage/objects.ts';
import type { DumpFile } from './dump-manifest.ts';
import { parseRaw } from './raw-json.ts';
import { SourceFailed } from './reader.ts';

/**
 * The most bytes of a line. No record is that long, so a longer line means that the file is not a
 * file of a dump.
 */
const LONGEST = 16_000_000;
const NEWLINE = 10;

/**
 * Compares a file’s checksum with the manifest, before any record of the file is used.
 * @throws SourceFailed when the checksum differs
 */
export async function checkFile(dump: Objects, { name, sha256 }: DumpFile): Promise<void> {
  const hash = createHash('sha256');
  for await (const part of await opened(dump, name)) hash.update(part as Buffer);
  if (hash.digest('hex') !== sha256) {
    throw damaged(`${name} is not the file that the manifest describes`);
  }
}

/**
 * Yields the lines of a file. Only \n ends a line, because JSON may contain other line separators.
 */
export async function* linesOf(
  dump: Objects,
  { name, records }: DumpFile,
): AsyncGenerator<Buffer, void> {
  const content = pipeline(await opened(dump, name), createGunzip(), () => {});
  const wrongCount = (what: string) =>
    damaged(`${name} has ${what} records than the manifest says: ${records}`);
  let count = 0;
  let rest: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of content as AsyncIterable<Buffer>) {
      let from = 0;
      for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
        count += 1;
        if (count > records) throw wrongCount('more');
        yield Buffer.concat([...rest, chunk.subarray(from, end)]);
        [rest, length, from] = [[], 0, end + 1];
      }
      rest.push(chunk.subarray(from));
      length += chunk.length - from;
      if (length > LONGEST) throw damaged(`${name} has a line of more than ${LONGEST} bytes`);
    }
  } catch (error) {
    const isOfGzip = String((error as { code?: string }).code).startsWith('Z_');
    throw isOfGzip ? damaged(`${name} cannot be unpacked`) : error;
  } finally {
    content.destroy();
  }
  if (length > 0) throw damaged(`the last line of ${name} does not end`);
  if (count < records) throw wrongCount('fewer');
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Parses a line as JSON; returns the line itself, as a string, if it is not JSON. */
export function parseLine(line: Buffer): unknown {
  try {
    return parseRaw(decoder.decode(line));
  } catch {
    return line.toString('utf8');
  }
}

async function opened(dump: Objects, name: string) {
  try {
    return await dump.read(name);
  } catch (error) {
    if (error instanceof NotFound) throw damaged(`${name} is missing`);
    throw error;
  }
}

const damaged = (what: string) => new SourceFailed('damaged', `The dump is damaged: ${what}.`);
