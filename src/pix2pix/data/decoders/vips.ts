import { extname } from 'node:path';
import sharp, { type Metadata, type SharpOptions } from 'sharp';
import { BadFile, UNREADABLE } from '../files/formats.ts';
import type { Bands } from './bands.ts';
import { Gate } from './gate.ts';
import { nameOfContent } from './names.ts';
import { tidied } from './tidy.ts';
import { MAX_PIXELS } from './tiff/tiff.ts';

/** Its file cache goes by name, and would give an old picture for a file that was replaced. */
sharp.cache(false);

/**
 * Warnings count as errors: a decoder that met damaged data only warns and fills the rest with grey. What it warns of
 * without need, `tidied` takes away. Colour profiles are left aside, as PyTorch's readers do, so that the values in the
 * file are the values that are learnt from.
 */
const OPTIONS: SharpOptions = { failOn: 'warning', autoOrient: true, ignoreIcc: true };

/** Deflate makes no more of a byte: without this, a small damaged PNG could ask for all the memory. */
const MOST_PER_BYTE = 1032;

const gate = new Gate();

/** A file by its path, whose bytes are read when they are needed. */
export interface Source {
  path: string;
  bytes(): Promise<Buffer>;
}

export interface VectorSize {
  width: number;
  height: number;
}

/** What the header says. @throws BadFile saying what is wrong with the file */
export function vipsHeader(source: Source, input: string | Buffer): Promise<Metadata> {
  return telling(source, input, (file) => sharp(file, OPTIONS).metadata());
}

/**
 * Colours, or grey as colours, in planes, with opacity where the file has it; 8 or 16 bits.
 * @param vector an SVG drawing is rendered to fit this size, on white (default: the size that it gives itself)
 * @throws BadFile saying what is wrong with the file
 */
export async function vipsBands(source: Source, info: Metadata, vector?: VectorSize): Promise<Bands> {
  const wide = info.depth === 'ushort';
  if (!wide && info.depth !== 'uchar') {
    throw new BadFile(source.path, `holds ${info.depth} values`, 'Save it as an 8-bit or 16-bit PNG.');
  }
  const bytes = await source.bytes();
  const least = (info.width * info.height * (info.bitsPerSample ?? 8)) / 8;
  if (info.format === 'png' && least > MOST_PER_BYTE * bytes.length) {
    const size = `${info.width} × ${info.height}`;
    throw new BadFile(
      source.path,
      `is cut short: ${bytes.length} bytes for ${size} pixels`,
      'Copy or download it again.',
    );
  }
  const { data, info: out } = await telling(source, bytes, (file) => {
    let image = sharp(file, OPTIONS);
    if (info.format === 'svg' && vector) {
      const { width, height } = vector;
      const density = 72 * Math.min(width / info.width, height / info.height);
      image = sharp(file, { ...OPTIONS, density: Math.min(100_000, Math.max(1, density)) });
      image.resize(width, height, { fit: 'contain', background: { r: 255, g: 255, b: 255, alpha: 0 } });
    }
    const pixels = image.toColourspace(wide ? 'rgb16' : 'srgb').raw({ depth: wide ? 'ushort' : 'uchar' });
    return pixels.toBuffer({ resolveWithObject: true });
  });
  // Copied: words need an even offset, which a buffer does not promise.
  const values = wide ? new Uint16Array(Uint8Array.from(data).buffer) : data;
  const { width, height, channels } = out;
  const planes = Array.from({ length: channels }, (_, c) => {
    const plane = wide ? new Uint16Array(width * height) : new Uint8Array(width * height);
    for (let i = 0; i < plane.length; i++) plane[i] = values[i * channels + c] as number;
    return plane;
  });
  return { width, height, planes, ...(channels === 2 || channels === 4 ? { alpha: 'straight' } : {}) };
}

/**
 * Decodes; a file that fails is tried again by itself, without what is no damage, so that what is told is its own
 * reason.
 * @throws BadFile with that reason
 */
async function telling<T>(source: Source, input: string | Buffer, decode: (file: string | Buffer) => Promise<T>) {
  try {
    return await gate.shared(() => decode(input));
  } catch {
    // sharp does not say why a file cannot be opened; the system does.
    const bytes = await source.bytes();
    if (bytes.length === 0) throw new BadFile(source.path, 'is empty (0 bytes)', 'Copy or download it again.');
    const tidy = await tidied(bytes);
    try {
      return await gate.exclusive(() => decode(tidy ? Buffer.from(tidy.buffer, tidy.byteOffset, tidy.length) : bytes));
    } catch (error) {
      throw await explained(source.path, bytes, error);
    }
  }
}

async function explained(path: string, bytes: Buffer, cause: unknown): Promise<BadFile> {
  const lines = (cause instanceof Error ? cause.message : String(cause)).split('\n').map((line) => line.trim());
  const said = lines.find((line) => line !== '' && !/^Warning treated as error/.test(line)) ?? 'no reason given';
  if (/exceeds pixel limit/.test(said)) {
    const { width, height } = await sharp(bytes, { ...OPTIONS, limitInputPixels: false }).metadata();
    const most = `at most ${Math.floor(MAX_PIXELS / 1e6)} million pixels`;
    return new BadFile(path, `is too large (${width} × ${height}; ${most})`, 'Cut it into pieces, or shrink it.', {
      cause,
    });
  }
  const named = nameOfContent(bytes);
  if (named) return new BadFile(path, `is ${named.what}, which is not read here`, named.advice, { cause });
  if (/unsupported image format/.test(said)) {
    const kind = extname(path).toLowerCase();
    const what = UNREADABLE.has(kind) ? `is in a format that is not supported (${kind})` : 'is not a picture';
    return new BadFile(path, what, 'Convert it to PNG or JPEG.', { cause });
  }
  return new BadFile(path, `is cut short or damaged (${said})`, 'Copy, download or export it again.', { cause });
}
