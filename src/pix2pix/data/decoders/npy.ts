import { BadFile } from '../files/formats.ts';
import { CHANNELS } from '../image/raster.ts';
import type { Bands } from './bands.ts';
import type { ReadBytes } from './tiff/directory.ts';

/** A NumPy array: its type, shape and the offset of its values. */
interface NpyInfo {
  kind: string;
  width: number;
  height: number;
  bands: number;
  /** Whether bands are the first axis (planar) or the last (interleaved). */
  planar: boolean;
  start: number;
}

const MAGIC = [0x93, ...[...'NUMPY'].map((letter) => letter.charCodeAt(0))];
const MAX_HEADER = 1 << 16;
const TYPES = {
  '|u1': Uint8Array,
  '|b1': Uint8Array,
  '|i1': Int8Array,
  '<u2': Uint16Array,
  '<i2': Int16Array,
  '<u4': Uint32Array,
  '<i4': Int32Array,
  '<f4': Float32Array,
  '<f8': Float64Array,
} as const;

export const isNpy = (head: Uint8Array): boolean => MAGIC.every((byte, i) => head[i] === byte);

/**
 * Reads the header of a .npy file: an array (height, width), (height, width, bands) or (bands, height, width).
 * (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html)
 * @param channels decides which of two possible axes holds the bands; the last one if both have that length
 */
export async function npyInfo(read: ReadBytes, channels: number | undefined, path: string): Promise<NpyInfo> {
  const bad = (what: string) => new BadFile(path, `is an array that cannot be read: ${what}`, HINT);
  const head = await read(0, 12);
  const [major = 0] = head.subarray(6);
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (head.length < 12 || major < 1 || major > 3) throw bad(`version ${major}`);
  const [length, at] = major === 1 ? [view.getUint16(8, true), 10] : [view.getUint32(8, true), 12];
  if (length > MAX_HEADER) throw bad('its header is too long');
  const bytes = await read(at, length);
  if (bytes.length < length) throw bad('it is cut short');
  const text = new TextDecoder('latin1').decode(bytes);
  const kind = /'descr':\s*'([^']*)'/.exec(text)?.[1] ?? '';
  if (!(kind in TYPES)) throw bad(`values of type ${kind || 'that is unknown'}`);
  if (!/'fortran_order':\s*False/.test(text)) throw bad('its values lie in the order of Fortran');
  const shape = /'shape':\s*\(([\d\s,]*)\)/.exec(text)?.[1]?.match(/\d+/g)?.map(Number) ?? [];
  if (shape.length < 2 || shape.length > 3 || shape.includes(0)) throw bad(`shape (${shape.join(', ')})`);
  const [first, second, third] = shape as [number, number, number | undefined];
  const common = { kind, start: at + length };
  if (third === undefined) return { ...common, height: first, width: second, bands: 1, planar: true };
  const wanted = channels ?? CHANNELS;
  const planar = third !== wanted && (first === wanted || third > first);
  return planar
    ? { ...common, bands: first, height: second, width: third, planar }
    : { ...common, height: first, width: second, bands: third, planar };
}

const HINT = 'Save it with numpy.save as (height, width) or (height, width, bands), uint8, uint16 or float32.';

/** @throws BadFile if it is truncated */
export function npyBands(file: Uint8Array, info: NpyInfo, path: string): Bands {
  const { kind, start, width, height, bands, planar } = info;
  const Values = TYPES[kind as keyof typeof TYPES];
  const size = width * height;
  const bytes = size * bands * Values.BYTES_PER_ELEMENT;
  if (start + bytes !== file.length) {
    const reason = `has ${file.length} bytes where ${start + bytes} are wanted (${height} × ${width} × ${bands})`;
    throw new BadFile(path, reason, 'Copy or save it again.');
  }
  // Copied, because typed arrays need aligned offsets.
  const values = new Values(new Uint8Array(file.subarray(start)).buffer);
  if (kind === '|b1') for (const [i, value] of values.entries()) values[i] = value ? 255 : 0;
  const planes = Array.from({ length: bands }, (_, band) => {
    if (planar) return values.subarray(band * size, (band + 1) * size);
    const plane = new Values(size);
    for (let i = 0; i < size; i++) plane[i] = values[i * bands + band] as number;
    return plane;
  });
  return { width, height, planes };
}
