// The contents of attachments, made of their names: nothing of them is stored.
import { Readable } from 'node:stream';
import { createHash } from 'node:crypto';
import { png } from '../picture.ts';

/** More bytes than the limit of an attachment. */
export const LARGE_BYTES = 60_000_000;

/** The content of an attachment; null when there is none of that id. */
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

/** A picture of 120 × 80 in two colours. */
function picture([red = 0, green = 0, blue = 0]: Buffer): Buffer {
  const isInside = (x: number, y: number) => (x - 60) ** 2 + (y - 40) ** 2 < 900;
  return png({ width: 120, height: 80 }, (x, y) =>
    isInside(x, y) ? [255 - red, 255 - green, 255 - blue] : [red, green, blue],
  );
}
