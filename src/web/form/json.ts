// Reads JSON request bodies, which programs post.
import type { NextFunction, Request, Response } from 'express';
import { Problem } from '../../problems.ts';
import { raw } from './body.ts';
import { readRaw } from './raw.ts';
import { hasBody } from './read.ts';

/**
 * Reads the posted JSON into `req.body`; an empty body becomes `{}`.
 * @throws Problem 413 if the body is too large, 415 if it is compressed or of another type, 400 if
 * it is malformed
 */
export async function readJson(req: Request, _res: Response, next: NextFunction) {
  req.body = hasBody(req) ? parse(await textOf(req)) : {};
  next();
}

async function textOf(req: Request): Promise<Buffer> {
  if (!req.is('application/json')) {
    throw new Problem(415, 'Send JSON, with the header Content-Type: application/json.');
  }
  return readRaw(req, raw);
}

function parse(bytes: Buffer): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return text.trim() === '' ? {} : JSON.parse(text);
  } catch {
    throw new Problem(400, 'The body is no JSON in UTF-8, such as {"account_id": "acme"}.');
  }
}
