import type { Request } from 'express';
import { Problem } from '../../problems.ts';
import type { RawBody } from './body.ts';
import { count } from './read.ts';

/**
 * Reads the bytes of a request as they were sent.
 * @throws Problem 413 when there are too many, 415 when they are compressed
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
