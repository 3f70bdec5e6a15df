import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { deflate, inflate } from 'node:zlib';
import sharp from 'sharp';
import { PixtapeError } from '../../../engine/util/errors.ts';
import { encodeSafetensors, type NamedTensor } from '../../../engine/util/safetensors.ts';
import { cacheDirectory } from '../../../files/cache.ts';
import { readSafetensors, removeStaleTemporaries, writeSafetensorsAtomic } from '../../../files/files.ts';
import { decode } from '../image/decode.ts';
import { CHANNELS, type Raster } from '../image/raster.ts';
import { mapBounded } from '../split/parallel.ts';
import type { Emoji, EmojiPackage } from './emoji.ts';

/** Raise it when the same input gives other pixels. */
const FORMAT = 1;
const squeeze = promisify(deflate);
const unsqueeze = promisify(inflate);

/** Emojis rendered at one size, in memory, each pair compressed (about 2 KB at 64 × 64, 20 KB at 256 × 256). */
export interface EmojiPack {
  readonly width: number;
  readonly height: number;
  /** Tells which emojis look alike in colour and as drawings. */
  readonly looks: readonly string[];
  /** The coloured picture and its line drawing, bytes. */
  pair(index: number): Promise<{ colour: Raster; drawing: Raster }>;
}

/**
 * Renders emojis on white, or reads what an earlier run rendered from the cache folder (one file for each size, choice
 * of emojis, and version of package and renderer).
 * @param onRendered hears of each pair that is rendered now
 * @throws PixtapeError when a drawing is damaged or the cache cannot be written
 */
export async function openEmojiPack(
  { root, version }: EmojiPackage,
  emojis: readonly Emoji[],
  width: number,
  height: number,
  onRendered?: (done: number, total: number) => void,
): Promise<EmojiPack> {
  const renderer = `${sharp.versions.sharp} ${sharp.versions.vips} ${sharp.versions.rsvg}`;
  const choice = emojis.map((emoji) => emoji.hexcode).join(' ');
  const key = createHash('sha256').update([FORMAT, version, renderer, choice].join('\n')).digest('hex').slice(0, 16);
  const folder = join(cacheDirectory(), 'openmoji');
  const file = join(folder, `openmoji-${version}-${width}x${height}-${key}.safetensors`);
  if (await stat(file).catch(() => undefined)) return unpack(file, emojis.length, width, height);
  await removeStaleTemporaries(folder);
  await render(root, emojis, width, height, file, onRendered);
  return unpack(file, emojis.length, width, height);
}

async function render(
  root: string,
  emojis: readonly Emoji[],
  width: number,
  height: number,
  file: string,
  onRendered: (done: number, total: number) => void = () => undefined,
): Promise<void> {
  let done = 0;
  const rendered = await mapBounded(emojis, availableParallelism() + 1, async ({ hexcode }) => {
    const draw = async (folder: string) =>
      (await decode(join(root, folder, 'svg', `${hexcode}.svg`), { vector: { width, height } })).data;
    const bytes = Buffer.concat([await draw('color'), await draw('black')] as Uint8Array[]);
    const look = createHash('sha256').update(bytes).digest().subarray(0, 8);
    const packed = await squeeze(bytes, { level: 6 });
    onRendered(++done, emojis.length);
    return { packed, look };
  });
  let end = 0;
  const ends = Float64Array.from(rendered, ({ packed }) => {
    end += packed.length;
    return end;
  });
  const bytes = (parts: Uint8Array[]): NamedTensor => {
    const data = new Uint8Array(Buffer.concat(parts));
    return { dtype: 'U8', shape: [data.length], data };
  };
  const tensors = new Map<string, NamedTensor>([
    ['ends', { dtype: 'F64', shape: [ends.length], data: ends }],
    ['looks', bytes(rendered.map(({ look }) => look))],
    ['pairs', bytes(rendered.map(({ packed }) => packed))],
  ]);
  await writeSafetensorsAtomic(file, encodeSafetensors(tensors, { licence: 'OpenMoji, CC BY-SA 4.0' }));
}

async function unpack(file: string, count: number, width: number, height: number): Promise<EmojiPack> {
  const { ends, looks, pairs } = await readPack(file);
  if (ends.length !== count || looks.length !== 8 * count || ends.at(-1) !== pairs.length) throw spoilt(file);
  const half = CHANNELS * width * height;
  return {
    width,
    height,
    looks: Array.from({ length: count }, (_, i) => looks.toString('hex', 8 * i, 8 * i + 8)),
    pair: async (index) => {
      let bytes: Uint8Array;
      try {
        bytes = new Uint8Array(await unsqueeze(pairs.subarray(index === 0 ? 0 : ends[index - 1], ends[index])));
      } catch (cause) {
        throw spoilt(file, cause);
      }
      if (bytes.length !== 2 * half) throw spoilt(file);
      const side = (start: number) => ({ width, height, data: bytes.subarray(start, start + half) });
      return { colour: side(0), drawing: side(half) };
    },
  };
}

async function readPack(file: string): Promise<{ ends: Float64Array; looks: Buffer; pairs: Uint8Array }> {
  try {
    const opened = await readSafetensors(file);
    try {
      const read = async (name: string) => (await opened.read(name)).data;
      const ends = (await read('ends')) as Float64Array;
      return {
        ends,
        looks: Buffer.from((await read('looks')) as Uint8Array),
        pairs: (await read('pairs')) as Uint8Array,
      };
    } finally {
      await opened.close();
    }
  } catch (cause) {
    throw spoilt(file, cause);
  }
}

function spoilt(file: string, cause?: unknown): PixtapeError {
  const message = `${file}, a cache of rendered pictures, cannot be read or is damaged`;
  return new PixtapeError(message, 'Delete it; it is made again.', { cause });
}
