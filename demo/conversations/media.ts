// The contents of attachments, made of their names: nothing of them is stored.
import { Readable } from 'node:stream';
import { createHash } from 'node:crypto';
import { crc32, deflateSync } from 'node:zlib';

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
  const [width, height] = [120, 80];
  const rows = Array.from({ length: height }, (_row, y) => {
    const row = Buffer.alloc(1 + width * 3);
    for (let x = 0; x < width; x += 1) {
      const isInside = (x - 60) ** 2 + (y - 40) ** 2 < 900;
      row.set(isInside ? [255 - red, 255 - green, 255 - blue] : [red, green, blue], 1 + x * 3);
    }
    return row;
  });
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.concat(rows))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(name: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(name, 'latin1'), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, check]);
}
