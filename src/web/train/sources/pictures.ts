import { BadFile } from '../../../pix2pix/data/files/formats.ts';
import type { Raster } from '../../../pix2pix/data/image/raster.ts';
import type { PictureHost } from '../../../pix2pix/data/sources/open_pairs.ts';
import { fractionOfDigest } from '../../../pix2pix/data/split/hold_out.ts';
import type { DrawSvg } from '../types.ts';
import type { DroppedTree } from './file_tree.ts';

/** Reads pictures with the browser, for the code that reads folders in Node, too. */
export function browserHost(tree: DroppedTree, drawSvg: DrawSvg): PictureHost {
  const decodeBitmap = (path: string) => decode(tree.file(path), path, drawSvg);
  const sizes = new Map<string, { width: number; height: number }>();
  return {
    tree,
    async inspect(path) {
      const known = sizes.get(path);
      if (known) return known;
      const bitmap = await decodeBitmap(path);
      const size = { width: bitmap.width, height: bitmap.height };
      bitmap.close();
      sizes.set(path, size);
      return size;
    },
    async decode(path) {
      const bitmap = await decodeBitmap(path);
      try {
        return planesOf(bitmap);
      } finally {
        bitmap.close();
      }
    },
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

/** Ignores colour profiles, as in Node: training uses the values in the file. */
async function decode(file: Blob, path: string, drawSvg: DrawSvg): Promise<ImageBitmap> {
  if (file.size === 0) throw new BadFile(path, 'is empty (0 bytes)', 'Copy or download it again.');
  try {
    if (/\.svg$/i.test(path)) return await drawSvg(file);
    return await createImageBitmap(file, { colorSpaceConversion: 'none', premultiplyAlpha: 'none' });
  } catch (cause) {
    throw new BadFile(path, 'is damaged, or in a format that this browser cannot decode', 'Save it as PNG or JPEG.', {
      cause,
    });
  }
}

/** Three planes, composited over white. */
function planesOf(bitmap: ImageBitmap): Raster {
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (!context) throw new Error('this browser gives a worker no 2D context');
  context.fillStyle = 'white';
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  const rgba = context.getImageData(0, 0, width, height).data;
  const size = width * height;
  const data = new Uint8Array(3 * size);
  for (let i = 0; i < size; i++) {
    for (let c = 0; c < 3; c++) data[c * size + i] = rgba[4 * i + c] as number;
  }
  return { width, height, data };
}
