import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { deflate, inflate } from 'node:zlib';
import sharp from 'sharp';
import { PixtapeError } from '../../../../engine/util/errors.ts';
import { encodeSafetensors, type NamedTensor } from '../../../../engine/util/safetensors.ts';
import { cacheDirectory } from '../../../../files/cache.ts';
import { readSafetensors, removeStaleTemporaries, writeSafetensorsAtomic } from '../../../../files/files.ts';
import { decode } from '../../image/decode.ts';
import { CHANNELS, type Raster } from '../../image/raster.ts';
import { mapBounded } from '../../split/parallel.ts';
import type { Emoji, EmojiPackage } from './emoji.ts';

/** Increment this if the same input gives other pixels. */
const FORMAT = 1;
const squeeze = promisify(deflate);
const unsqueeze = promisify(inflate);

/** Emojis rendered at one size, in memory, each pair compressed (about 2 KB at 64 × 64, 20 KB at 256 × 256). */
export interface EmojiPack {
  readonly width: number;
  readonly height: number;
  /** Keys that are equal for emojis that look the same, in colour and as drawings. */
  readonly looks: readonly string[];
  /** The coloured picture and its line drawing, in bytes. */
  pair(index: number): Promise<{ colour: Raster; drawing: Raster }>;
}

/** All pairs, concatenated. */
interface Packed {
  /** Offset of the end of each. */
  ends: Float64Array;
  looks: Uint8Array;
  pairs: Uint8Array;
}

/**
 * Renders emojis on white, or reads them from the cache folder, which has one file per size, choice of emojis, and
 * version of package and renderer. A damaged file is rendered again. If the cache cannot be written, renders everything
 * each time, and calls `warn` with the reason.
 * @param onRendered called after each rendered pair
 * @throws PixtapeError if a drawing is damaged
 */
export async function openEmojiPack(
  { root, version }: EmojiPackage,
  emojis: readonly Emoji[],
  width: number,
  height: number,
  onRendered?: (done: number, total: number) => void,
  warn: (line: string) => void = console.warn,
): Promise<EmojiPack> {
  const renderer = `${sharp.versions.sharp} ${sharp.versions.vips} ${sharp.versions.rsvg}`;
  const choice = emojis.map((emoji) => emoji.hexcode).join(' ');
  const key = createHash('sha256').update([FORMAT, version, renderer, choice].join('\n')).digest('hex').slice(0, 16);
  const folder = join(cacheDirectory(), 'openmoji');
  const file = join(folder, `openmoji-${version}-${width}x${height}-${key}.safetensors`);
  const kept = await readPack(file, emojis.length).catch(() => undefined);
  if (kept) return unpack(kept, width, height);
  const packed = await render(root, emojis, width, height, onRendered);
  try {
    await removeStaleTemporaries(folder);
    await writeSafetensorsAtomic(file, encode(packed));
  } catch (error) {
    warn(`the next run renders the drawings again: ${(error as Error).message.split('\n')[0]}`);
  }
  return unpack(packed, width, height);
}

async function render(
  root: string,
  emojis: readonly Emoji[],
  width: number,
  height: number,
  onRendered: (done: number, total: number) => void = () => undefined,
): Promise<Packed> {
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
  return {
    ends,
    looks: Buffer.concat(rendered.map(({ look }) => look)),
    pairs: Buffer.concat(rendered.map(({ packed }) => packed)),
  };
}

function unpack({ ends, looks, pairs }: Packed, width: number, height: number): EmojiPack {
  const half = CHANNELS * width * height;
  const digests = Buffer.from(looks.buffer, looks.byteOffset, looks.byteLength);
  return {
    width,
    height,
    looks: Array.from({ length: ends.length }, (_, i) => digests.toString('hex', 8 * i, 8 * i + 8)),
    pair: async (index) => {
      let bytes: Uint8Array;
      try {
        bytes = new Uint8Array(await unsqueeze(pairs.subarray(index === 0 ? 0 : ends[index - 1], ends[index])));
      } catch (cause) {
        throw spoilt(cause);
      }
      if (bytes.length !== 2 * half) throw spoilt();
      const side = (start: number) => ({ width, height, data: bytes.subarray(start, start + half) });
      return { colour: side(0), drawing: side(half) };
    },
  };
}

function encode({ ends, looks, pairs }: Packed): Uint8Array[] {
  const bytes = (data: Uint8Array): NamedTensor => ({ dtype: 'U8', shape: [data.length], data: new Uint8Array(data) });
  const tensors = new Map<string, NamedTensor>([
    ['ends', { dtype: 'F64', shape: [ends.length], data: ends }],
    ['looks', bytes(looks)],
    ['pairs', bytes(pairs)],
  ]);
  return encodeSafetensors(tensors, { licence: 'OpenMoji, CC BY-SA 4.0' });
}

/** @throws Error if there is no such file, or it does not hold that many pairs */
async function readPack(file: string, count: number): Promise<Packed> {
  const opened = await readSafetensors(file);
  try {
    const read = async (name: string) => (await opened.read(name)).data;
    const ends = (await read('ends')) as Float64Array;
    const [looks, pairs] = [(await read('looks')) as Uint8Array, (await read('pairs')) as Uint8Array];
    if (ends.length !== count || looks.length !== 8 * count || ends.at(-1) !== pairs.length) throw spoilt();
    return { ends, looks, pairs };
  } finally {
    await opened.close();
  }
}

function spoilt(cause?: unknown): PixtapeError {
  const message = `the cache of rendered pictures in ${join(cacheDirectory(), 'openmoji')} is damaged`;
  return new PixtapeError(message, 'Delete it; it is made again.', { cause });
}
