import { extname } from 'node:path';
import sharp from 'sharp';
import { PixtapeError } from '../../../engine/util/errors.ts';
import { writeFileAtomic } from '../../../files/files.ts';
import type { ValueRange } from '../decoders/bands.ts';
import { encodePng, type Picture } from './picture.ts';
import { asColours, CHANNELS, channelsOf, type Raster } from './raster.ts';

/** Output formats: PNG and WebP lossless, JPEG at a quality without visible blocks. */
const ENCODERS: Record<string, (png: Uint8Array) => Promise<Uint8Array>> = {
  '.png': async (png) => png,
  '.webp': (png) => sharp(png).webp({ lossless: true }).toBuffer(),
  '.jpg': (png) => sharp(png).jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).toBuffer(),
};
ENCODERS['.jpeg'] = ENCODERS['.jpg'] as (png: Uint8Array) => Promise<Uint8Array>;

/** NumPy arrays hold any number of channels. */
const ARRAY = '.npy';
const WRITABLE = [...Object.keys(ENCODERS), ARRAY];

/** Whether picture formats support this number of channels; others are written as arrays. */
export const isPictured = (channels: number): boolean => channels === 1 || channels === CHANNELS;

/**
 * @param channels of the data to write
 * @throws PixtapeError naming the supported formats, if the name's extension is not one of them
 */
export function checkWritable(path: string, channels = CHANNELS): void {
  const extension = extname(path).toLowerCase();
  if (!WRITABLE.includes(extension)) {
    throw new PixtapeError(
      `${path}: ${extension ? `pictures are not written as ${extension}` : 'the name says no format'}`,
      `End the name with ${WRITABLE.join(', ')}.`,
    );
  }
  if (extension === ARRAY || isPictured(channels)) return;
  throw new PixtapeError(`${path} cannot hold ${channels} channels`, `End the name with ${ARRAY}, an array of NumPy.`);
}

/**
 * Writes a picture atomically, in the format given by the name's extension: 8-bit RGB, with values clipped to [0, 1],
 * or an array (height, width, channels) of float32, without the last axis for one channel.
 * @param range the values that 0 and 1 stand for, in an array
 * @throws PixtapeError if the extension is unknown, a value is NaN, or the file cannot be written
 */
export async function writePictureAs(path: string, picture: Picture, range?: ValueRange): Promise<void> {
  const { width, height, data } = picture;
  const channels = channelsOf(picture);
  if (!Number.isInteger(channels)) throw new Error(`${data.length} values are no planes of ${width} × ${height}`);
  checkWritable(path, channels);
  const encoded =
    extname(path).toLowerCase() === ARRAY
      ? encodeNpy(picture, range)
      : await encodeAs(extname(path), { width, height, data: asColours(data, width * height) });
  await writeFileAtomic(path, encoded);
}

/** (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html) */
function encodeNpy(picture: Picture, { min, max }: ValueRange = { min: 0, max: 1 }): Uint8Array {
  const { width, height, data } = picture;
  const channels = channelsOf(picture);
  const size = width * height;
  const shape = channels === 1 ? `${height}, ${width}` : `${height}, ${width}, ${channels}`;
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape}), }`;
  // The format aligns values to 64 bytes.
  const header = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`;
  const head = Buffer.from(`\x93NUMPY\x01\x00..${header}`, 'latin1');
  head.writeUInt16LE(header.length, 8);
  const values = new Float32Array(data.length);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < size; i++) values[i * channels + c] = min + (data[c * size + i] as number) * (max - min);
  }
  return Buffer.concat([head, Buffer.from(values.buffer)]);
}

/** Encodes a file with a writable extension, e.g. `.png`. */
export async function encodeAs(extension: string, picture: Raster): Promise<Uint8Array> {
  const encode = ENCODERS[extension.toLowerCase()] as (png: Uint8Array) => Promise<Uint8Array>;
  return encode(await encodePng(picture));
}
