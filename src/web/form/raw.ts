import type { Request } from 'express';
import { Problem } from '../../problems.ts';
import type { RawBody } from './body.ts';
import { count } from './read.ts';

/**
 * Reads the body of a request as bytes, exactly as sent.
 * @throws Problem 413 if the body is too large, 415 if it is compressed
 */
export async function readRaw(req: Request, { bytes }: RawBody): Promise<Buffer> {
  const tooLarge = () => new Problem(413, `A request may have ${bytes / 1024} kB at most.`);
  if ((req.get('Content-Encoding') ?? 'identity') !== 'identity') {
    throw new Problem(415, 'Send the request without compression.');
  }
  if (Number(req.get('Content-Length') ?? 0) > bytes) throw tooLarge();
  const parts: Buffer[] = [];
  for await (const part of count(req, bytes, tooLarge)) parts.push(part);
  return Buffer.concat(parts);
}
