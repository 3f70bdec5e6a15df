import { BadFile } from '../../files/formats.ts';
import type { Bands, ValueRange } from '../bands.ts';
import { turned } from '../turn.ts';
import { type ReadBytes, readTiffDirectory } from './directory.ts';

/** The description of a TIFF file's first page. */
export interface TiffInfo {
  width: number;
  height: number;
  /** Bits of each sample. */
  bits: number;
  format: 'unsigned' | 'signed' | 'float';
  /** Samples per pixel: colours, opacity, and others. */
  bands: number;
  alpha: Bands['alpha'];
  /** Samples that are neither colour nor opacity, according to the tags. */
  unexplained: number;
  /** Whether zero is white. */
  inverted: boolean;
  /** EXIF orientation; 1 is upright. */
  orientation: number;
  /** Whether another page follows. */
  more: boolean;
  /** Bytes of the decoded pixels, and of their encoded data in the file (0 if unknown). */
  bytes: { needed: number; stored: number; end: number; packed: boolean };
}

const TAG = {
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  photometric: 262,
  stripOffsets: 273,
  orientation: 274,
  samples: 277,
  rows: 278,
  stripBytes: 279,
  planes: 284,
  predictor: 317,
  tileWidth: 322,
  tileHeight: 323,
  tileOffsets: 324,
  tileBytes: 325,
  extra: 338,
  format: 339,
} as const;
const COLOURS_OF: Readonly<Record<number, number>> = { 0: 1, 1: 1, 2: 3, 3: 1, 4: 1, 5: 4, 6: 3, 8: 3, 9: 3, 10: 3 };
/** The same limit as sharp's: 268 million pixels. */
export const MAX_PIXELS = 0x3fff ** 2;
const MAX_BYTES = 2 ** 31;

/** @throws BadFile if it is truncated or damaged */
export async function tiffInfo(read: ReadBytes, path: string): Promise<TiffInfo> {
  try {
    return await info(read);
  } catch (cause) {
    if (cause instanceof BadFile) throw cause;
    throw damagedTiff(path, cause);
  }
}

async function info(read: ReadBytes): Promise<TiffInfo> {
  const directory = await readTiffDirectory(read);
  const list = (tag: number) => directory.numbers(tag);
  const one = async (tag: number, otherwise: number) => {
    const numbers = (await list(tag)) ?? [];
    if (numbers.length > 1) throw new Error(`its tag ${tag} holds ${numbers.length} numbers where one belongs`);
    return numbers[0] ?? otherwise;
  };
  // With several numbers in one of these, geotiff reads no samples, and rejects a promise that nobody awaits.
  for (const tag of [TAG.rows, TAG.planes, TAG.predictor, TAG.tileWidth, TAG.tileHeight]) await one(tag, 1);
  const [width, height] = [await one(TAG.width, 0), await one(TAG.height, 0)];
  const bits = (await list(TAG.bits)) ?? [1];
  const bands = await one(TAG.samples, 1);
  if (!(width > 0 && height > 0 && bands > 0)) throw new Error('its tags give it no size');
  if (new Set(bits).size > 1) throw new Error(`its samples have ${bits.slice(0, 8).join(', ')} bits`);
  const photometric = await one(TAG.photometric, bands >= 3 ? 2 : 1);
  const unexplained = bands - (COLOURS_OF[photometric] ?? 1);
  const extra = ((await list(TAG.extra)) ?? []).slice(-Math.max(0, unexplained));
  const kind = unexplained === 1 ? extra[0] : undefined;
  const alpha = kind === 1 ? 'multiplied' : kind === 2 ? 'straight' : undefined;
  const format = (await list(TAG.format))?.[0] ?? 1;
  const places = (await list(TAG.stripOffsets)) ?? (await list(TAG.tileOffsets)) ?? [];
  const counts = (await list(TAG.stripBytes)) ?? (await list(TAG.tileBytes)) ?? [];
  return {
    width,
    height,
    bits: bits[0] as number,
    format: format === 3 ? 'float' : format === 2 ? 'signed' : 'unsigned',
    bands,
    alpha,
    unexplained: Math.max(0, unexplained - (alpha ? 1 : 0)),
    inverted: photometric === 0,
    orientation: await one(TAG.orientation, 1),
    more: directory.more,
    bytes: {
      needed: Math.ceil((width * bands * (bits[0] as number)) / 8) * height,
      stored: counts.reduce((sum, count) => sum + count, 0),
      end: places.reduce((end, place, i) => Math.max(end, place + (counts[i] ?? 0)), 0),
      packed: (await one(TAG.compression, 1)) !== 1,
    },
  };
}

/** Whether libvips reads it correctly: colours or grey of up to 8, or of 16 bits, without extra samples. */
export const isPlain = ({ unexplained, alpha, bits, format }: TiffInfo): boolean =>
  unexplained === 0 && !alpha && format === 'unsigned' && (bits <= 8 || bits === 16);

/** The value of white for samples of 9 to 15 bits, which only the tags reveal. */
export const rangeOf = ({ bits, format }: TiffInfo): ValueRange | undefined =>
  bits > 8 && bits < 16 && format === 'unsigned' ? { min: 0, max: 2 ** bits - 1 } : undefined;

/** Reads its bands without conversion. @throws BadFile if it is too large, truncated or damaged */
export async function tiffBands(file: Uint8Array, info: TiffInfo, path: string): Promise<Bands> {
  const { width, height, bands, bytes, alpha, inverted } = info;
  const size = `${width} × ${height}${bands > 1 ? `, ${bands} bands` : ''}`;
  if (width * height > MAX_PIXELS || bytes.needed > MAX_BYTES) {
    const reason = `is too large (${size}; at most 268 million pixels, and 2 GiB)`;
    throw new BadFile(path, reason, 'Cut it into pieces.');
  }
  // One compressed byte expands to at most 1,100. Without this check, a small file could exhaust the memory.
  const stored = bytes.packed ? 1100 * bytes.stored : bytes.stored;
  if (bytes.end > file.length || stored < bytes.needed) {
    throw new BadFile(path, `is cut short (${size})`, 'Copy, download or export it again.');
  }
  const planes = await rasters(file, path);
  if (planes.length !== bands || planes.some((plane) => plane.length !== width * height)) {
    throw damagedTiff(path, new Error('it holds less than its tags say'));
  }
  if (inverted) for (const plane of planes.slice(0, 1)) invert(plane);
  return turned({ width, height, planes, ...(alpha ? { alpha } : {}) }, info.orientation);
}

type Plane = Bands['planes'][number];

async function rasters(file: Uint8Array, path: string): Promise<Plane[]> {
  // Loaded only for such files.
  const { fromArrayBuffer } = await import('geotiff');
  try {
    const whole = file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength) as ArrayBuffer;
    const image = await (await fromArrayBuffer(whole)).getImage(0);
    return [...(await image.readRasters({ interleave: false }))] as Plane[];
  } catch (cause) {
    throw damagedTiff(path, cause);
  }
}

function invert(plane: Plane): void {
  if (!(plane instanceof Uint8Array || plane instanceof Uint16Array)) return;
  const white = plane instanceof Uint8Array ? 255 : 65535;
  for (let i = 0; i < plane.length; i++) plane[i] = white - (plane[i] as number);
}

function damagedTiff(path: string, cause: unknown): BadFile {
  const said = cause instanceof Error ? cause.message : String(cause);
  return new BadFile(path, `is cut short or damaged (${said})`, 'Copy, download or export it again.', { cause });
}
