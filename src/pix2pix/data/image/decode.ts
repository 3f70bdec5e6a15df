import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import sharp, { type Metadata, type SharpOptions } from 'sharp';
import { BadFile, READABLE, UNREADABLE } from '../files/formats.ts';
import { CHANNELS, type Raster } from './raster.ts';

/** Its file cache goes by name, and would give an old picture for a file that was replaced. */
sharp.cache(false);

/**
 * Warnings count as errors: a decoder that met damaged data only warns and fills the rest with grey. Colour profiles
 * are left aside, as PyTorch's readers do, so that the values in the file are the values that are learnt from.
 */
const OPTIONS: SharpOptions = { failOn: 'warning', autoOrient: true, ignoreIcc: true };

export { BadFile, READABLE, UNREADABLE };

export interface VectorSize {
  width: number;
  height: number;
}

/** Width and height of a picture file as it is seen, its EXIF orientation applied; reads no more than the header. */
export async function inspect(path: string): Promise<{ width: number; height: number }> {
  return (await header(path, path)).autoOrient;
}

/** What the header says of a picture's channels: 16 bits each, and whether one is alpha. */
export async function traits(path: string): Promise<{ wide: boolean; alpha: boolean }> {
  const { depth, hasAlpha } = await header(path, path);
  return { wide: depth === 'ushort', alpha: hasAlpha };
}

/**
 * Decodes a picture file: JPEG, PNG, WebP, AVIF, TIFF, GIF (its first frame), PPM and SVG, told apart by content, not
 * name. Grey and palettes become RGB, CMYK is converted; transparent parts are laid over white (rounded to the file's
 * depth); 8-bit files give bytes and 16-bit files words, unchanged.
 * @param vector an SVG drawing is rendered to fit this size, on white (default: the size that it gives itself)
 * @throws BadFile when it is missing, empty, cut short, damaged, or of no known kind.
 */
export async function decode(path: string, vector?: VectorSize): Promise<Raster> {
  const bytes = await read(path);
  const info = await header(path, bytes);
  const wide = info.depth === 'ushort';
  if (!wide && info.depth !== 'uchar') {
    throw new BadFile(path, `holds ${info.depth} values`, 'Save it as an 8-bit or 16-bit PNG.');
  }
  let image = sharp(bytes, OPTIONS);
  if (info.format === 'svg' && vector) {
    const { width, height } = vector;
    const density = 72 * Math.min(width / info.width, height / info.height);
    image = sharp(bytes, { ...OPTIONS, density: Math.min(100_000, Math.max(1, density)) });
    image.resize(width, height, { fit: 'contain', background: { r: 255, g: 255, b: 255, alpha: 0 } });
  }
  try {
    const pixels = image.toColourspace(wide ? 'rgb16' : 'srgb').raw({ depth: wide ? 'ushort' : 'uchar' });
    const { data, info: out } = await pixels.toBuffer({ resolveWithObject: true });
    // Copied: words need an even offset, which a buffer does not promise.
    const values = wide ? new Uint16Array(Uint8Array.from(data).buffer) : data;
    return { width: out.width, height: out.height, data: planes(values, out.channels) };
  } catch (error) {
    throw damaged(path, error);
  }
}

/** Pixel after pixel (1 or 3 channels, with or without alpha) → three planes. */
function planes(pixels: Uint8Array | Uint16Array, channels: number): Uint8Array | Uint16Array {
  const size = pixels.length / channels;
  const data = pixels instanceof Uint16Array ? new Uint16Array(CHANNELS * size) : new Uint8Array(CHANNELS * size);
  const white = pixels instanceof Uint16Array ? 65535 : 255;
  const alpha = channels === 2 || channels === 4;
  const colours = alpha ? channels - 1 : channels;
  for (let c = 0; c < CHANNELS; c++) {
    const from = Math.min(c, colours - 1);
    for (let i = 0; i < size; i++) {
      const value = pixels[i * channels + from] as number;
      const opacity = alpha ? (pixels[i * channels + channels - 1] as number) : white;
      data[c * size + i] =
        opacity === white ? value : Math.round((value * opacity + white * (white - opacity)) / white);
    }
  }
  return data;
}

async function read(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

async function header(path: string, source: string | Buffer): Promise<Metadata> {
  try {
    return await sharp(source, OPTIONS).metadata();
  } catch (error) {
    // sharp does not say why a file cannot be opened; the system does.
    const bytes = typeof source === 'string' ? await read(source) : source;
    if (bytes.length === 0) throw new BadFile(path, 'is empty (0 bytes)', 'Copy or download it again.');
    if (/unsupported image format/.test(String(error))) {
      const kind = extname(path).toLowerCase();
      const what = UNREADABLE.has(kind) ? `is in a format that is not supported (${kind})` : 'is not a picture';
      throw new BadFile(path, what, 'Convert it to PNG or JPEG.', { cause: error });
    }
    throw damaged(path, error);
  }
}

function unreadable(path: string, cause: unknown): unknown {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ENOENT') return new BadFile(path, 'does not exist', 'Check the path.', { cause });
  if (code === 'EISDIR') return new BadFile(path, 'is a folder, not a picture', 'Name a file.', { cause });
  if (typeof code !== 'string') return cause;
  return new BadFile(path, `cannot be read (${code})`, 'Check its permissions and the disk.', { cause });
}

function damaged(path: string, cause: unknown): BadFile {
  const said = (cause instanceof Error ? cause.message : String(cause)).split('\n')[0]?.trim();
  return new BadFile(path, `is cut short or damaged (${said})`, 'Copy, download or export it again.', { cause });
}
