// Decodes uploaded images before they are stored, to refuse images that are truncated, damaged, or so large when
// decoded that they fill the memory.
import { Invalid } from '../problems.ts';

const signatures: [format: ImageFormat, test: (content: Buffer) => boolean][] = [
  ['png', (content) => content.subarray(0, 8).toString('latin1') === '\x89PNG\r\n\x1a\n'],
  ['jpg', (content) => content.subarray(0, 3).toString('latin1') === '\xff\xd8\xff'],
  ['gif', (content) => /^GIF8[79]a/.test(content.subarray(0, 6).toString('latin1'))],
  ['webp', (content) => /^RIFF.{4}WEBP/s.test(content.subarray(0, 12).toString('latin1'))],
];
export type ImageFormat = 'png' | 'jpg' | 'gif' | 'webp';

/** This many bytes at the beginning of a file are enough to detect its image format. */
export const SIGNATURE_BYTES = 12;

/**
 * Detects the format of an image from the first bytes of its file; returns null for any other file.
 */
export const imageFormatOf = (content: Buffer): ImageFormat | null =>
  signatures.find(([, test]) => test(content))?.[0] ?? null;

/** The largest image that may be uploaded, in bytes. */
const LARGEST = 2 * 1024 * 1024;
/** The most pixels of one image, and of all frames of an animation together. */
const PIXELS = 40_000_000;
const PIXELS_IN_ALL = 100_000_000;

/**
 * Checks an uploaded image; `null` stands for an upload that was too large to read.
 * @throws Invalid if the content is not an image that browsers show
 */
export async function checkedImage(
  field: string,
  content: Buffer | null,
): Promise<{ content: Buffer; format: ImageFormat }> {
  const refuse = (message: string) => new Invalid({ [field]: message });
  if (content === null || content.length > LARGEST) throw refuse('Choose an image of 2 MB or less');
  if (content.length === 0) throw refuse('The file is empty. Choose another one');
  const format = imageFormatOf(content);
  if (!format) throw refuse('Choose a PNG, JPEG, GIF or WebP image');
  const problem = await oneAtATime(() => problemIn(content));
  if (problem) throw refuse(problem);
  return { content, format };
}

const DAMAGED = 'This image is damaged. Choose it again, or another one';

async function problemIn(content: Buffer): Promise<string | null> {
  // The library is loaded on first use, so that only requests that upload an image wait for it.
  const { default: sharp } = await import('sharp');
  const image = sharp(content, {
    failOn: 'error',
    limitInputPixels: false,
    pages: -1,
    sequentialRead: true,
  });
  try {
    const { format, width, height, pageHeight = height } = await image.metadata();
    const size = format === 'gif' ? screenOf(content) : { width, height: pageHeight };
    if (size.width * size.height > PIXELS) {
      return `Choose an image of 40 megapixels or less. This one has ${size.width.toLocaleString('en')} × ${size.height.toLocaleString('en')} pixels`;
    }
    if (width * height > PIXELS_IN_ALL) {
      return 'Choose a shorter animation: the pictures of this one have more than 100 megapixels';
    }
    await image.stats();
    return null;
  } catch {
    return DAMAGED;
  }
}

/**
 * Reads the screen size from the header of a GIF. The library ignores a screen that is much larger
 * than the frames, but a browser may allocate memory for it.
 */
const screenOf = (gif: Buffer) => ({ width: gif.readUInt16LE(6), height: gif.readUInt16LE(8) });

let last: Promise<unknown> = Promise.resolve();

/**
 * Decodes one image at a time, because decoding an interlaced image of 40 megapixels needs 160 MB
 * of memory.
 */
function oneAtATime<T>(work: () => Promise<T>): Promise<T> {
  const result = last.then(work, work);
  last = result;
  return result;
}
