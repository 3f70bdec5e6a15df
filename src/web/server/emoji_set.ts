/** Runs in Node, in the page's server: renders OpenMoji's pairs and packs them into one file. */
import { promisify } from 'node:util';
import { deflate } from 'node:zlib';
import { encodeSafetensors, type NamedTensor } from '../../engine/util/safetensors.ts';
import { OPENMOJI_CREDITS } from '../../pix2pix/data/sources/emoji/emoji.ts';
import { loadEmojis } from '../../pix2pix/data/sources/emoji/openmoji.ts';
import { mapBounded } from '../../pix2pix/data/split/parallel.ts';
import type { EmojiSetText } from '../shared/emoji_set.ts';

const squeeze = promisify(deflate);

/**
 * Encodes every pair at one size as a safetensors file, in pieces; see `EmojiSetText`. The first rendering takes half a
 * minute; later ones read the cache folder.
 * @throws PixtapeError if the openmoji package is missing or a group is unknown
 */
export async function packEmojiSet(width: number, height: number, groups: string[]): Promise<Uint8Array[]> {
  const { emojis, pack, train, test, description } = await loadEmojis({ width, height, groups, warn: console.warn });
  const indices = emojis.map((_, i) => i);
  const squeezed = await mapBounded(indices, 8, async (i) => {
    const { colour, drawing } = await pack.pair(i);
    return squeeze(Buffer.concat([colour.data as Uint8Array, drawing.data as Uint8Array]));
  });
  let end = 0;
  const ends = Float64Array.from(squeezed, ({ length }) => {
    end += length;
    return end;
  });
  const pairs = new Uint8Array(Buffer.concat(squeezed));
  const text: EmojiSetText = { names: emojis.map(({ annotation }) => annotation), train, test, summary: description };
  const tensors = new Map<string, NamedTensor>([
    ['ends', { dtype: 'F64', shape: [ends.length], data: ends }],
    ['pairs', { dtype: 'U8', shape: [pairs.length], data: pairs }],
  ]);
  return encodeSafetensors(tensors, { text: JSON.stringify(text), licence: OPENMOJI_CREDITS });
}
