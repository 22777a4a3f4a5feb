// Reads multipart forms (multipart/form-data). Texts and small files are kept in memory; a file that is too large is
// discarded.
import type { IncomingHttpHeaders } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { Busboy, type BusboyFileStream, type BusboyHeaders } from '@fastify/busboy';
import { Problem } from '../../problems.ts';
import { images, type FormBody } from './body.ts';
import { Form, type Entry, type PostedFile } from './form.ts';
import { incomplete, type Counted, type TooLarge } from './problems.ts';

/** The most bytes of a field name. The names in Oneway’s forms are all shorter. */
const LONGEST_NAME = 200;
/** The most bytes of the headers of one part in a multipart form. */
const AROUND = 1024;

export async function readParts(
  parts: Counted,
  headers: IncomingHttpHeaders,
  body: FormBody,
  mayCome: (token: string | undefined) => boolean,
  tooLarge: TooLarge,
): Promise<Form> {
  const entries: Entry[] = [];
  const files: Promise<PostedFile>[] = [];
  let texts = 0;
  const parser = parserOf(headers);
  const stop = (problem: Problem) => parser.destroy(problem);
  parser.on('field', (name: string | undefined, text: string) => {
    if (name === undefined || Buffer.byteLength(name) > LONGEST_NAME)
      return void stop(incomplete());
    entries.push([name, text]);
    texts += name.length + text.length;
    if (entries.length > body.fields || texts > body.bytes) stop(tooLarge(body));
  });
  parser.on('file', (name: string | undefined, stream: BusboyFileStream, file: string) => {
    // Without this listener, the error of a truncated form would end the process.
    stream.on('error', () => {});
    const token = entries.find(([own]) => own === 'csrf')?.[1];
    // For an empty file input, browsers send a file without a name.
    const isChosen = name !== undefined && file !== '' && files.length < images.most;
    if (isChosen && mayCome(token)) files.push(contentOf(name, stream));
    else stream.resume();
  });
  try {
    await pipeline(parts, parser);
  } catch (error) {
    throw error instanceof Problem ? error : incomplete();
  }
  return new Form(entries, await Promise.all(files));
}

function parserOf(headers: IncomingHttpHeaders) {
  try {
    return new Busboy({
      headers: headers as BusboyHeaders,
      limits: { headerSize: AROUND, headerPairs: 10, fileSize: images.bytes },
    });
  } catch {
    // The header Content-Type lacks the boundary that separates the parts of the form.
    throw incomplete();
  }
}

/** Reads an uploaded file into memory. The content is null if the file is too large. */
function contentOf(field: string, stream: BusboyFileStream): Promise<PostedFile> {
  return new Promise((resolve) => {
    let read: Buffer[] = [];
    let isTooLarge = false;
    stream.on('data', (part: Buffer) => read.push(part));
    stream.on('limit', () => {
      isTooLarge = true;
      read = [];
    });
    stream.on('end', () => resolve({ field, content: isTooLarge ? null : Buffer.concat(read) }));
    stream.on('close', () => resolve({ field, content: null }));
  });
}
