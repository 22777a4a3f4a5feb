// Reads a multipart form with a large file: first the fields, which must come before the file, then the file as a
// stream.
import type { NextFunction, Request, Response } from 'express';
import { Busboy, type BusboyFileStream, type BusboyHeaders } from '@fastify/busboy';
import { Problem } from '../../problems.ts';
import { liftDeadline } from '../connections.ts';
import { Form, type Entry } from './form.ts';

/**
 * An uploaded file. `content` ends with an error if the connection breaks or is silent for too
 * long.
 */
type UploadedFile = {
  name: string;
  content: BusboyFileStream;
  /** Resolves at the end of the form. Rejects if the form is malformed or has a second file. */
  end: Promise<void>;
};

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- Express is extended through its namespace
  namespace Express {
    interface Request {
      /** The uploaded file, on routes that take an upload; null if the user chose no file. */
      upload: UploadedFile | null;
    }
  }
}

/** How many milliseconds an upload may send nothing. Tests shorten the time. */
export const silences = { upload: 60_000 };

const FIELDS = 20;
const FIELD_BYTES = 4096;

/**
 * Middleware that reads a form up to its file. The CSRF token must be a field before the file, so
 * that it can be checked before the file is read.
 */
export async function readUpload(req: Request, res: Response, next: NextFunction) {
  if (req.get('Content-Encoding') !== undefined || !req.is('multipart/form-data')) {
    throw new Problem(415, 'This is no form that this page can post. Open the page and try again.');
  }
  liftDeadline(req);
  const { entries, file } = await upToFile(req);
  req.form = new Form(entries);
  req.upload = file;
  // Reads and discards the rest of a refused file. Otherwise a client that is still sending would
  // not receive the response.
  res.once('finish', () => file?.content.resume());
  next();
}

function upToFile(req: Request): Promise<{ entries: Entry[]; file: UploadedFile | null }> {
  const parser = parserOf(req);
  const entries: Entry[] = [];
  return new Promise((resolve, reject) => {
    let content: BusboyFileStream | null = null;
    const whole = Promise.withResolvers<void>();
    // The handler awaits this promise only after it has read the file. Without a listener, a
    // rejection before that would end the process.
    whole.promise.catch(() => {});
    let timer: NodeJS.Timeout | undefined;
    const broken = (problem: Problem) => {
      req.off('data', watch);
      clearTimeout(timer);
      req.unpipe(parser);
      // Discards what the client still sends. Otherwise the client would not receive the response.
      req.resume();
      content?.destroy(problem);
      whole.reject(problem);
      reject(problem);
    };
    const watch = () => {
      clearTimeout(timer);
      // While the object store is slow, the server reads nothing from the connection. Then the
      // server causes the silence, not the client, so the time limit does not apply.
      if (content && content.readableLength > 0) return void (timer = setTimeout(watch, 1000));
      timer = setTimeout(() => broken(silent()), silences.upload);
    };
    watch();
    req.on('data', watch);
    const end = () => {
      req.off('data', watch);
      clearTimeout(timer);
    };
    req.once('end', end);
    req.once('close', end);
    req.once('aborted', () => broken(cut()));
    req.once('error', () => broken(cut()));
    parser.on('error', () => broken(malformed()));
    parser.on('field', (name: string | undefined, text: string) => {
      if (name !== undefined && content === null && entries.length < FIELDS)
        entries.push([name, text]);
    });
    parser.on('file', (_field: string | undefined, stream: BusboyFileStream, sent?: string) => {
      // A file part may lack its name, although the type declarations of the package rule that out.
      const name = sent ?? '';
      // Without this listener, the error of a truncated form would end the process.
      stream.on('error', () => {});
      if (content !== null && name !== '') whole.reject(severalFiles());
      if (content !== null || name === '') return void stream.resume();
      content = stream;
      resolve({ entries, file: { name, content: stream, end: whole.promise } });
    });
    parser.on('finish', () => {
      whole.resolve();
      resolve({ entries, file: null });
    });
    req.pipe(parser);
  });
}

function parserOf(req: Request) {
  try {
    return new Busboy({
      headers: req.headers as BusboyHeaders,
      limits: {
        headerSize: 4096,
        headerPairs: 10,
        fieldSize: FIELD_BYTES,
        fields: FIELDS,
        files: 2,
      },
    });
  } catch {
    throw malformed();
  }
}

const malformed = () =>
  new Problem(400, 'The form did not arrive as a whole. Go back and send it again.');
const severalFiles = () =>
  new Problem(422, 'Upload one file at a time. Nothing was stored: choose one of them.');
const cut = () => new Problem(400, 'The connection broke before the whole file had arrived.');
const silent = () =>
  new Problem(
    408,
    'No more of the file arrived for a minute. Check the connection and upload it again.',
  );
