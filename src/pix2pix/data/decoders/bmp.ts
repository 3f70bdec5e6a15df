import { BadFile } from '../files/formats.ts';
import type { Bands } from './bands.ts';
import type { ReadBytes } from './tiff/directory.ts';

/**
 * Decodes uncompressed Windows bitmaps: 1, 4 and 8 bits with a palette, 16, 24 and 32 bits with or without masks,
 * bottom-up or top-down. (https://learn.microsoft.com/windows/win32/gdi/bitmap-storage)
 * None of the decoders on npm reads all of these correctly.
 */
interface BmpInfo {
  width: number;
  height: number;
  topDown: boolean;
  bits: number;
  /** Offsets of the pixels and of the palette, and the palette's number of colours and bytes per colour. */
  start: number;
  palette: { at: number; colours: number; bytes: number };
  /** Masks of red, green, blue and opacity, for bitmaps without a palette. */
  masks: number[];
}

const HEADER_BYTES = 14 + 124;
const MAX_SIDE = 1 << 20;
const RGB = 0;
const BITFIELDS = 3;
const ALPHA_BITFIELDS = 6;

export const isBmp = (head: Uint8Array): boolean => head[0] === 0x42 && head[1] === 0x4d;

/** @throws BadFile if it is truncated, compressed, or of an unknown kind */
export async function bmpInfo(read: ReadBytes, path: string): Promise<BmpInfo> {
  const bytes = await read(0, HEADER_BYTES);
  if (bytes.length < 26) throw new BadFile(path, 'is cut short', 'Copy, download or export it again.');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const unknown = (what: string) => new BadFile(path, `is a bitmap that is not read (${what})`, 'Save it as PNG.');
  const header = view.getUint32(14, true);
  const old = header === 12;
  if (!old && (header < 40 || bytes.length < 54)) throw unknown(`a header of ${header} bytes`);
  const [width, height] = old
    ? [view.getUint16(18, true), view.getInt16(20, true)]
    : [view.getInt32(18, true), view.getInt32(22, true)];
  const bits = view.getUint16(old ? 24 : 28, true);
  const packing = old ? RGB : view.getUint32(30, true);
  if (![1, 4, 8, 16, 24, 32].includes(bits)) throw unknown(`${bits} bits`);
  if (packing === 1 || packing === 2) throw unknown('packed by RLE');
  const masked = packing === BITFIELDS || packing === ALPHA_BITFIELDS;
  if ((packing !== RGB && !masked) || (masked && bits < 16)) throw unknown(`packing ${packing}`);
  if (!(width > 0 && width <= MAX_SIDE && height !== 0 && Math.abs(height) <= MAX_SIDE)) {
    throw unknown(`${width} × ${height}`);
  }
  const behind = masked && header === 40 ? (packing === ALPHA_BITFIELDS ? 16 : 12) : 0;
  const used = old ? 0 : view.getUint32(46, true);
  return {
    width,
    height: Math.abs(height),
    topDown: height < 0,
    bits,
    start: view.getUint32(10, true),
    palette: { at: 14 + header + behind, colours: Math.min(used || 2 ** bits, 256), bytes: old ? 3 : 4 },
    masks: masksOf(view, bits, masked, header + behind),
  };
}

function masksOf(view: DataView, bits: number, masked: boolean, space: number): number[] {
  if (!masked) return bits === 16 ? [0x7c00, 0x3e0, 0x1f, 0] : [0xff0000, 0xff00, 0xff, 0];
  const mask = (i: number) =>
    54 + 4 * i + 4 <= view.byteLength && 40 + 4 * i + 4 <= space ? view.getUint32(54 + 4 * i, true) : 0;
  return [mask(0), mask(1), mask(2), mask(3)];
}

/** @throws BadFile if it is truncated, or a pixel has a colour that the palette lacks */
export function bmpBands(file: Uint8Array, info: BmpInfo, path: string): Bands {
  const { width, height, topDown, bits, start } = info;
  const stride = Math.ceil((width * bits) / 32) * 4;
  if (start + stride * height > file.length) {
    const reason = `is cut short: ${file.length} bytes of ${start + stride * height}`;
    throw new BadFile(path, reason, 'Copy, download or export it again.');
  }
  const colour = bits <= 8 ? fromPalette(file, info, path) : fromMasks(file, info);
  const alpha = bits > 8 && info.masks[3] !== 0;
  const planes = Array.from({ length: alpha ? 4 : 3 }, () => new Uint8Array(width * height));
  for (let y = 0; y < height; y++) {
    const row = start + stride * (topDown ? y : height - 1 - y);
    for (let x = 0; x < width; x++) {
      const values = colour(row, x);
      for (const [c, plane] of planes.entries()) plane[y * width + x] = values[c] as number;
    }
  }
  return { width, height, planes, ...(alpha ? { alpha: 'straight' } : {}) };
}

type Colour = (row: number, x: number) => readonly number[];

function fromPalette(file: Uint8Array, { bits, palette, start }: BmpInfo, path: string): Colour {
  const { at, colours, bytes } = palette;
  const table: number[][] = [];
  for (let i = 0; i < colours && at + (i + 1) * bytes <= start; i++) {
    const [blue = 0, green = 0, red = 0] = file.subarray(at + i * bytes, at + i * bytes + 3);
    table.push([red, green, blue]);
  }
  const perByte = 8 / bits;
  return (row, x) => {
    const byte = file[row + Math.floor(x / perByte)] as number;
    const index = (byte >> (8 - bits * ((x % perByte) + 1))) & (2 ** bits - 1);
    const found = table[index];
    if (!found) throw new BadFile(path, `has a colour ${index} that its palette lacks`, 'Export it again.');
    return found;
  };
}

/** Extracts each masked part of a pixel, scaled to 0–255. */
function fromMasks(file: Uint8Array, { bits, masks }: BmpInfo): Colour {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const parts = masks.map((mask) => {
    const shift = mask === 0 ? 0 : 31 - Math.clz32(mask & -mask);
    return { shift, most: mask >>> shift };
  });
  return (row, x) => {
    const at = row + (x * bits) / 8;
    const pixel =
      bits === 16
        ? view.getUint16(at, true)
        : bits === 32
          ? view.getUint32(at, true)
          : view.getUint16(at, true) + 65536 * view.getUint8(at + 2);
    return parts.map(({ shift, most }) => (most === 0 ? 0 : Math.round((255 * ((pixel >>> shift) & most)) / most)));
  };
}
