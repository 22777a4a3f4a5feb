// Makes pictures for uploads in tests.
import sharp from 'sharp';

export type PictureFormat = 'png' | 'jpeg' | 'gif' | 'webp';
type Size = { width?: number; height?: number };

let pictures = 0;

/** Makes a picture. Each call makes a different picture. */
export function picture(format: PictureFormat = 'png', { width = 40, height = 30 }: Size = {}) {
  pictures += 1;
  const background = { r: pictures % 256, g: Math.floor(pictures / 256), b: 90 };
  const noise = { type: 'gaussian' as const, mean: 128, sigma: 30 };
  return sharp({ create: { width, height, channels: 3, background, noise } })
    .toFormat(format)
    .toBuffer();
}
