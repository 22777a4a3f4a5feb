import multer, { MulterError } from 'multer';
import type { NextFunction, Request, Response } from 'express';
import { Invalid, Problem } from '../problems.ts';

const MEGABYTE = 1024 * 1024;
const limits = { fields: 2000, fieldSize: MEGABYTE };
const parse = multer({
  storage: multer.memoryStorage(),
  // Larger than an image may be: what a form says beside it is read, and given back with the problem.
  limits: { ...limits, fileSize: 12 * MEGABYTE, files: 3 },
}).any();

/** Parses a form that may carry images; a file that is too large is a problem of its field. */
export function uploads(req: Request, res: Response, next: NextFunction) {
  parse(req, res, (error: unknown) => next(inWords(error)));
}

function inWords(error: unknown): unknown {
  if (!(error instanceof MulterError)) return error;
  if (error.code === 'LIMIT_FILE_SIZE') {
    return new Invalid({ [error.field ?? '']: 'Choose an image of 2 MB or less' });
  }
  return new Problem(413, `This form is larger than one can be: ${error.message}.`);
}

export const filesOf = (req: Request) => (Array.isArray(req.files) ? req.files : []);

const withoutFiles = multer({ fileFilter: (_req, _file, done) => done(null, false), limits }).any();

/** The fields of a form that comes in parts; a file is passed over. */
export const readFields = (req: Request, res: Response) =>
  new Promise<void>((resolve, reject) => {
    if (!req.is('multipart/form-data')) return resolve();
    withoutFiles(req, res, (error?: unknown) =>
      error instanceof Error ? reject(inWords(error)) : resolve(),
    );
  });
