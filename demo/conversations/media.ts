// Generates the contents of attachments from their ids, so that no content has to be stored.
import { Readable } from 'node:stream';
import { createHash } from 'node:crypto';
import { png } from '../picture.ts';

/** The size of the attachment `large`, which exceeds Oneway’s limit for attachments. */
export const LARGE_BYTES = 60_000_000;

/** Returns the content of an attachment; null for the id `missing`, which has no content. */
export function contentOf(account: string, id: string): { type: string; body: Buffer } | null {
  if (id === 'missing') return null;
  const seed = createHash('sha256').update(`${account}/${id}`).digest();
  const number = Number(/\d+$/.exec(id)?.[0] ?? 1);
  if (number % 4 === 0) return { type: 'image/png', body: picture(seed) };
  const line = `Order ${id} of ${account}: ${seed.toString('hex')}\n`;
  return { type: 'text/plain', body: Buffer.from(line.repeat(1 + (seed[0] ?? 0))) };
}

export function largeContent(): Readable {
  const part = Buffer.alloc(1_000_000, 'large ');
  return Readable.from(Array.from({ length: LARGE_BYTES / part.length }, () => part));
}

/** Draws a picture of 120 × 80 pixels in two colours. */
function picture([red = 0, green = 0, blue = 0]: Buffer): Buffer {
  const isInside = (x: number, y: number) => (x - 60) ** 2 + (y - 40) ** 2 < 900;
  return png({ width: 120, height: 80 }, (x, y) =>
    isInside(x, y) ? [255 - red, 255 - green, 255 - blue] : [red, green, blue],
  );
}
