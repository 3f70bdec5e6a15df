import { extname } from 'node:path';
import sharp from 'sharp';
import { PixtapeError } from '../../../engine/util/errors.ts';
import { writeFileAtomic } from '../../../files/files.ts';
import { encodePng, type Picture } from './picture.ts';
import type { Raster } from './raster.ts';

/** The formats that pictures are written in, and how: PNG and WebP exactly, JPEG at a quality that hides its blocks. */
const ENCODERS: Record<string, (png: Uint8Array) => Promise<Uint8Array>> = {
  '.png': async (png) => png,
  '.webp': (png) => sharp(png).webp({ lossless: true }).toBuffer(),
  '.jpg': (png) => sharp(png).jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).toBuffer(),
};
ENCODERS['.jpeg'] = ENCODERS['.jpg'] as (png: Uint8Array) => Promise<Uint8Array>;

export const WRITABLE = Object.keys(ENCODERS);

/** @throws PixtapeError naming the formats that there are, where the name's ending is none of them. */
export function checkWritable(path: string): void {
  const extension = extname(path).toLowerCase();
  if (extension in ENCODERS) return;
  throw new PixtapeError(
    `${path}: ${extension ? `pictures are not written as ${extension}` : 'the name says no format'}`,
    `End the name with ${WRITABLE.join(', ')}.`,
  );
}

/**
 * Writes an 8-bit RGB picture in the format that the name ends in, as a whole or not at all. Values outside [0, 1] are
 * clipped.
 * @throws PixtapeError when the ending is unknown, a value is NaN, or the place cannot be written to.
 */
export async function writePictureAs(path: string, picture: Picture): Promise<void> {
  checkWritable(path);
  await writeFileAtomic(path, await encodeAs(extname(path), picture));
}

/** The bytes of a file with a writable ending, `.png` say. */
export async function encodeAs(extension: string, picture: Raster): Promise<Uint8Array> {
  const encode = ENCODERS[extension.toLowerCase()] as (png: Uint8Array) => Promise<Uint8Array>;
  return encode(await encodePng(picture));
}
