import { readFile } from 'node:fs/promises';
import { openForReading } from '../../../files/read_at.ts';
import { type DecodeOptions, rasterOf } from '../decoders/bands.ts';
import { bmpBands, bmpInfo, isBmp } from '../decoders/bmp.ts';
import { isNpy, npyBands, npyInfo } from '../decoders/npy.ts';
import { strayExif } from '../decoders/png_exif.ts';
import { isTiff } from '../decoders/tidy.ts';
import type { ReadBytes } from '../decoders/tiff/directory.ts';
import { isPlain, rangeOf, tiffBands, tiffInfo } from '../decoders/tiff/tiff.ts';
import { type Source, type VectorSize, vipsBands, vipsHeader } from '../decoders/vips.ts';
import { BadFile, READABLE, UNREADABLE } from '../files/formats.ts';
import type { Raster } from './raster.ts';

export type { DecodeOptions, ValueRange } from '../decoders/bands.ts';
export type { VectorSize } from '../decoders/vips.ts';
export { BadFile, READABLE, UNREADABLE };

/** A picture's header. */
export interface PictureHeader {
  /** Size in pixels after applying the EXIF orientation. */
  width: number;
  height: number;
  /** Whether it has 16 bits per channel. */
  wide: boolean;
  alpha: boolean;
  /** How many pages or frames follow the first, which is the only one that is read. */
  more: boolean;
}

/**
 * Reads only the header of a picture file.
 * @param channels the wanted number, for arrays whose axes are ambiguous
 * @throws BadFile if it is missing, empty, truncated, or of an unknown format
 */
export async function inspect(path: string, { channels }: DecodeOptions = {}): Promise<PictureHeader> {
  const handle = await openForReading(path).catch((error) => Promise.reject(unreadable(path, error)));
  try {
    const read = async (at: number, length: number): Promise<Uint8Array> => {
      const { buffer, bytesRead } = await handle.read(new Uint8Array(length), 0, length, at);
      return buffer.subarray(0, bytesRead);
    };
    const head = await read(0, 12).catch((error) => Promise.reject(unreadable(path, error)));
    if (isTiff(head)) {
      const info = await tiffInfo(read, path);
      const [width, height] = info.orientation >= 5 ? [info.height, info.width] : [info.width, info.height];
      return { width, height, wide: info.bits === 16, alpha: info.alpha !== undefined, more: info.more };
    }
    if (isNpy(head) || isBmp(head)) {
      const { width, height } = await (isNpy(head) ? npyInfo(read, channels, path) : bmpInfo(read, path));
      return { width, height, wide: false, alpha: false, more: false };
    }
    const source = sourceOf(path);
    const exif = await strayExif(read, (await handle.stat()).size);
    const {
      depth,
      hasAlpha,
      autoOrient,
      pages = 1,
    } = await vipsHeader(source, exif ? exif(await source.bytes()) : path);
    const { width, height } = autoOrient;
    return { width, height, wide: depth === 'ushort', alpha: hasAlpha, more: pages > 1 };
  } finally {
    await handle.close();
  }
}

/**
 * Decodes a picture file: JPEG, PNG, WebP, AVIF, TIFF, GIF (its first frame), BMP, PPM, SVG and NumPy arrays,
 * recognised by content, not name. Palettes become RGB, CMYK is converted, and transparency is composited over white
 * (rounded to the file's depth). 8-bit files give bytes and 16-bit files words, unchanged. For other values see
 * `rasterOf`.
 * @param vector the size to render an SVG at, on white (default: its own size)
 * @throws BadFile if it is missing, empty, truncated, damaged, of an unknown format, or has other bands than wanted
 */
export async function decode(path: string, options: DecodeOptions & { vector?: VectorSize } = {}): Promise<Raster> {
  const source = sourceOf(path);
  const bytes = await source.bytes();
  const read: ReadBytes = (at, length) => bytes.subarray(at, at + length);
  if (isNpy(bytes)) {
    const info = await npyInfo(read, options.channels, path);
    return rasterOf(npyBands(bytes, info, path), options, path);
  }
  if (isBmp(bytes)) return rasterOf(bmpBands(bytes, await bmpInfo(read, path), path), options, path);
  if (isTiff(bytes)) {
    const info = await tiffInfo(read, path);
    if (!isPlain(info)) {
      const range = options.range ?? rangeOf(info);
      return rasterOf(await tiffBands(bytes, info, path), { ...options, ...(range ? { range } : {}) }, path);
    }
  }
  const exif = await strayExif(read, bytes.length);
  const upright = exif ? { path, bytes: async () => exif(bytes) } : source;
  const info = await vipsHeader(upright, await upright.bytes());
  return rasterOf(await vipsBands(upright, info, options.vector), options, path);
}

/** Read once, on first use. */
function sourceOf(path: string): Source {
  let bytes: Promise<Buffer> | undefined;
  return {
    path,
    bytes: () => {
      bytes ??= readFile(path).catch((error) => Promise.reject(unreadable(path, error)));
      return bytes;
    },
  };
}

function unreadable(path: string, cause: unknown): unknown {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ENOENT') return new BadFile(path, 'does not exist', 'Check the path.', { cause });
  if (code === 'EISDIR') return new BadFile(path, 'is a folder, not a picture', 'Name a file.', { cause });
  if (typeof code !== 'string') return cause;
  return new BadFile(path, `cannot be read (${code})`, 'Check its permissions and the disk.', { cause });
}
