import { PixtapeError } from '../../../engine/util/errors.ts';
import { type Bands, type DecodeOptions, rasterOf } from '../../../pix2pix/data/decoders/bands.ts';
import { bmpBands, bmpInfo, isBmp } from '../../../pix2pix/data/decoders/bmp.ts';
import { nameOfContent } from '../../../pix2pix/data/decoders/names.ts';
import { isNpy, npyBands, npyInfo } from '../../../pix2pix/data/decoders/npy.ts';
import { turned } from '../../../pix2pix/data/decoders/turn.ts';
import { BadFile } from '../../../pix2pix/data/files/formats.ts';
import type { PictureHost } from '../../../pix2pix/data/sources/open_pairs.ts';
import { fractionOfDigest } from '../../../pix2pix/data/split/hold_out.ts';
import type { DrawSvg } from '../types.ts';
import { bitmapBands } from './bitmap.ts';
import type { DroppedTree } from './file_tree.ts';
import { isPng, pngBands, pngOrientation } from './png.ts';

/** Reads pictures with the browser, for code that it shares with Node. */
export function browserHost(tree: DroppedTree, drawSvg: DrawSvg): PictureHost {
  const load = (path: string, options?: DecodeOptions) => bandsOf(tree.file(path), path, options, drawSvg);
  const sizes = new Map<string, { width: number; height: number }>();
  return {
    tree,
    async inspect(path, options) {
      const known = sizes.get(path);
      if (known) return known;
      const { width, height } = await load(path, options);
      sizes.set(path, { width, height });
      return { width, height };
    },
    decode: async (path, options = {}) => rasterOf(await load(path, options), options, path),
    async fractions(texts) {
      const encoder = new TextEncoder();
      const fractions = texts.map(async (text) => {
        const digest = await crypto.subtle.digest('SHA-256', encoder.encode(text));
        return [text, fractionOfDigest(new Uint8Array(digest))] as const;
      });
      return new Map(await Promise.all(fractions));
    },
    parallel: 8,
    room: 2 ** 29,
  };
}

/**
 * Decodes to the same values as in Node: from the file itself if browsers change them, else with the browser's decoder.
 */
async function bandsOf(file: Blob, path: string, options: DecodeOptions | undefined, drawSvg: DrawSvg): Promise<Bands> {
  if (file.size === 0) throw new BadFile(path, 'is empty (0 bytes)', 'Copy or download it again.');
  const bytes = new Uint8Array(await file.arrayBuffer());
  const read = (at: number, length: number) => bytes.subarray(at, at + length);
  if (isBmp(bytes)) return bmpBands(bytes, await bmpInfo(read, path), path);
  if (isNpy(bytes)) return npyBands(bytes, await npyInfo(read, options?.channels, path), path);
  try {
    if (isPng(bytes)) return turned(pngBands(bytes), await pngOrientation(bytes));
    if (/\.svg$/i.test(path)) return await bitmapBands(await drawSvg(file));
    refuse(bytes, path);
    return await bitmapBands(await createImageBitmap(file, { colorSpaceConversion: 'none', premultiplyAlpha: 'none' }));
  } catch (cause) {
    if (cause instanceof PixtapeError) throw cause;
    throw new BadFile(path, 'is damaged, or in a format that this browser cannot decode', 'Save it as PNG or JPEG.', {
      cause,
    });
  }
}

/** @throws BadFile for formats that browsers do not read, or decode to other colours than Node does */
function refuse(bytes: Uint8Array, path: string): void {
  const [first, second, third, fourth] = bytes;
  const tiff = first === second && ((first === 0x49 && third === 42) || (first === 0x4d && fourth === 42));
  if (tiff) {
    throw new BadFile(
      path,
      'is a TIFF, which is not read in a page',
      'Save it as PNG, or train on it from the command line.',
    );
  }
  if (componentsOfJpeg(bytes) === 4) {
    const reason = 'is a CMYK JPEG, which each program converts to other colours';
    throw new BadFile(path, reason, 'Convert it to RGB, or train on it from the command line.');
  }
  const named = nameOfContent(bytes);
  if (named) throw new BadFile(path, `is ${named.what}, which is not read here`, named.advice);
}

/** 1 for grey, 3 for colours, 4 for CMYK; 0 if it is not a JPEG. */
function componentsOfJpeg(bytes: Uint8Array): number {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return 0;
  for (let at = 2; at + 9 < bytes.length; ) {
    if (bytes[at] !== 0xff) return 0;
    const marker = bytes[at + 1] as number;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return bytes[at + 9] as number;
    at += 2 + (((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number));
  }
  return 0;
}
