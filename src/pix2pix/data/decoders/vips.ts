import { extname } from 'node:path';
import sharp, { type Metadata, type SharpOptions } from 'sharp';
import { BadFile, UNREADABLE } from '../files/formats.ts';
import type { Bands } from './bands.ts';
import { Gate } from './gate.ts';
import { nameOfContent } from './names.ts';
import { tidied } from './tidy.ts';
import { MAX_PIXELS } from './tiff/tiff.ts';

/** The file cache is keyed by name and would return an old picture for a replaced file. */
sharp.cache(false);

/**
 * Warnings are errors: on damaged data a decoder only warns, and fills the rest with grey. `tidied` removes harmless
 * causes of warnings. Colour profiles are ignored, as in PyTorch's readers: training uses the values in the file.
 */
const OPTIONS: SharpOptions = { failOn: 'warning', autoOrient: true, ignoreIcc: true };

/** Deflate's largest ratio. Without this check, a small damaged PNG could exhaust the memory. */
const MOST_PER_BYTE = 1032;

const gate = new Gate();

/** A file by its path. Its bytes are read on demand. */
export interface Source {
  path: string;
  bytes(): Promise<Buffer>;
}

export interface VectorSize {
  width: number;
  height: number;
}

/** Reads the header. @throws BadFile saying what is wrong with the file */
export function vipsHeader(source: Source, input: string | Buffer): Promise<Metadata> {
  return telling(source, input, (file) => sharp(file, OPTIONS).metadata());
}

/**
 * Decodes to planes of colours (grey as colours), with opacity if the file has it; 8 or 16 bits.
 * @param vector the size to render an SVG at, on white (default: its own size)
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
  // Copied, because words need an even offset, which a buffer does not guarantee.
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
 * Decodes. If it fails, tries again exclusively and without harmless defects, so that the reported reason is the
 * file's.
 * @throws BadFile with that reason
 */
async function telling<T>(source: Source, input: string | Buffer, decode: (file: string | Buffer) => Promise<T>) {
  try {
    return await gate.shared(() => decode(input));
  } catch {
    // The system says why a file cannot be opened; sharp does not.
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
