// Packs the content of a backup: compresses it with zstd, then encrypts it with age when a recipient is set. age
// authenticates every 64 kB, so altered content is refused before it is used.
import { createHash } from 'node:crypto';
import { pipeline, Readable } from 'node:stream';
import { createZstdCompress, createZstdDecompress } from 'node:zlib';
import { Invalid } from '../problems.ts';

export type Measured = { bytes: number; checksum: string };
type Parts = AsyncIterable<Uint8Array>;

/**
 * The chunk size for decompression. Each chunk costs a round trip to another thread, so zlib’s
 * default of 16 kB takes twice the time.
 */
const inChunks = { chunkSize: 256 * 1024 };

/**
 * Compresses a stream, and encrypts it if `recipient` is set. After the whole stream was read,
 * `plain` returns the size and SHA-256 of the content before compression.
 */
export function pack(
  content: Parts,
  recipient: string | null,
): { parts: Parts; plain: () => Measured } {
  const meter = openMeter();
  const compressed = through(Readable.from(meter.pass(content)), createZstdCompress());
  return {
    parts: recipient === null ? compressed : encrypted(compressed, recipient),
    plain: meter.measured,
  };
}

/** Unpacks a backup file: decrypts, then decompresses. */
export function unpack(
  packed: Readable,
  identity: string | null,
): { parts: Parts; plain: () => Measured } {
  const meter = openMeter();
  const decrypted = identity === null ? packed : Readable.from(decryptedParts(packed, identity));
  return {
    parts: meter.pass(through(decrypted, createZstdDecompress(inChunks))),
    plain: meter.measured,
  };
}

function openMeter() {
  const hash = createHash('sha256');
  let bytes = 0;
  return {
    async *pass(parts: Parts) {
      for await (const part of parts) {
        hash.update(part);
        bytes += part.length;
        yield part;
      }
    },
    measured: (): Measured => ({ bytes, checksum: hash.digest('hex') }),
  };
}

/**
 * Connects two streams so that an error of the first stream reaches the reader of the second
 * stream.
 */
function through(source: Readable, end: NodeJS.ReadWriteStream & AsyncIterable<Uint8Array>): Parts {
  pipeline(source, end, () => {});
  return end;
}

type WebStream = ReadableStream<Uint8Array>;

async function* encrypted(parts: Parts, recipient: string): AsyncGenerator<Uint8Array> {
  const { Encrypter } = await import('age-encryption');
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipient);
  yield* await encrypter.encrypt(webStreamOf(parts));
}

async function* decryptedParts(packed: Readable, identity: string): AsyncGenerator<Uint8Array> {
  const { Decrypter } = await import('age-encryption');
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  yield* await decrypter.decrypt(webStreamOf(packed)).catch((error: unknown) => {
    const message =
      'The backup cannot be decrypted: BACKUPS_IDENTITY is not the key of its recipient, or the file was altered.';
    throw error instanceof Error ? new Invalid({ identity: message }) : error;
  });
}

const webStreamOf = (parts: Parts): WebStream => Readable.toWeb(Readable.from(parts)) as WebStream;
