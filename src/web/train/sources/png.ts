import { decode } from 'fast-png';
import type { Bands } from '../../../pix2pix/data/decoders/bands.ts';
import { readTiffDirectory } from '../../../pix2pix/data/decoders/tiff/directory.ts';

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

export const isPng = (bytes: Uint8Array): boolean => SIGNATURE.every((byte, i) => bytes[i] === byte);

/**
 * Decodes the raw samples of a PNG. A browser's decoder applies gamma and profiles even when told not to, and reduces
 * 16 bits to 8. This keeps the stored values, as Node's decoder does.
 * @throws Error if it is damaged
 */
export function pngBands(bytes: Uint8Array): Bands {
  const { width, height, depth, channels, data, palette, transparency } = decode(bytes, { checkCrc: true });
  const size = width * height;
  const samples = depth < 8 ? unpack(data as Uint8Array, width, height, depth) : data;
  if (palette) {
    const alpha = palette.some(([, , , opacity = 255]) => opacity < 255);
    const planes = Array.from({ length: alpha ? 4 : 3 }, (_, c) =>
      Uint8Array.from({ length: size }, (_, i) => {
        const colour = palette[samples[i] as number];
        if (!colour) throw new Error(`a colour ${samples[i]} that its palette lacks`);
        return colour[c] ?? 255;
      }),
    );
    return { width, height, planes, ...(alpha ? { alpha: 'straight' } : {}) };
  }
  const wide = depth === 16;
  const scale = depth < 8 ? 255 / (2 ** depth - 1) : 1;
  const planes = Array.from({ length: channels }, (_, c) => {
    const plane = wide ? new Uint16Array(size) : new Uint8Array(size);
    for (let i = 0; i < size; i++) plane[i] = scale * (samples[i * channels + c] as number);
    return plane;
  });
  if (channels === 2 || channels === 4) return { width, height, planes, alpha: 'straight' };
  // One colour, before scaling, is transparent.
  if (!transparency) return { width, height, planes };
  const opaque = wide ? 65535 : 255;
  const opacity = wide ? new Uint16Array(size) : new Uint8Array(size);
  for (let i = 0; i < size; i++) {
    const hit = planes.every((_, c) => samples[i * channels + c] === transparency[c]);
    opacity[i] = hit ? 0 : opaque;
  }
  return { width, height, planes: [...planes, opacity], alpha: 'straight' };
}

/** Unpacks samples of 1, 2 or 4 bits. Each row begins at a byte. */
function unpack(data: Uint8Array, width: number, height: number, depth: number): Uint8Array {
  const perByte = 8 / depth;
  const stride = Math.ceil(width / perByte);
  const samples = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const byte = data[y * stride + Math.floor(x / perByte)] as number;
      samples[y * width + x] = (byte >> (8 - depth * ((x % perByte) + 1))) & (2 ** depth - 1);
    }
  }
  return samples;
}

/** The EXIF orientation, from anywhere in the file; 1 (upright) if there is none. */
export async function pngOrientation(bytes: Uint8Array): Promise<number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = SIGNATURE.length; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
    if (String.fromCharCode(...bytes.subarray(at + 4, at + 8)) !== 'eXIf') continue;
    const exif = bytes.subarray(at + 8, at + 8 + view.getUint32(at));
    const directory = await readTiffDirectory((from, length) => exif.subarray(from, from + length)).catch(
      () => undefined,
    );
    const [orientation] = (await directory?.numbers(ORIENTATION)) ?? [];
    if (orientation !== undefined) return orientation;
  }
  return 1;
}

const ORIENTATION = 274;
