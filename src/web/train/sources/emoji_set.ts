import { unzlibSync } from 'fflate';
import { PixtapeError } from '../../../engine/util/errors.ts';
import { decodeSafetensors } from '../../../engine/util/safetensors.ts';
import type { OpenedData, PairData } from '../../../pix2pix/data/sets/dataset.ts';
import { Budget, jittered, PairDataset, type PairSource, type Sides } from '../../../pix2pix/data/sets/pairs.ts';
import { type EmojiSetText, emojiSetPath } from '../../shared/emoji_set.ts';

/** Opens OpenMoji's pairs from the page's server: the same pictures and the same split as in Node. */
export async function openEmojiSet(
  { direction, jitter, flip, groups = [], maxDatasetSize }: PairData,
  width: number,
  height: number,
  warn: (line: string) => void,
): Promise<OpenedData> {
  const packs = [await fetchPack(width, height, groups)];
  if (jitter) packs.push(await fetchPack(jittered(width), jittered(height), groups));
  const { train, test, summary } = (packs[0] as Pack).text;
  const used = train.slice(0, maxDatasetSize);
  const common = { width, height, skipBad: false, warn, budget: new Budget(2 ** 29) };
  const source = (indices: number[]) => new PackSource(packs, indices, direction);
  return {
    train: new PairDataset(source(used), { ...common, flip, jitter }),
    test: new PairDataset(source(test), { ...common, flip: false, jitter: false }),
    summary: `${used.length} pairs for training, ${test.length} held out: ${summary}`,
  };
}

interface Pack {
  width: number;
  height: number;
  text: EmojiSetText;
  /** Offset of the end of each pair in `pairs`. */
  ends: Float64Array;
  /** Colour and drawing, three planes of bytes each, compressed. */
  pairs: Uint8Array;
}

async function fetchPack(width: number, height: number, groups: readonly string[]): Promise<Pack> {
  const path = emojiSetPath(width, height, groups);
  const response = await fetch(path);
  if (!response.ok) {
    const why = (await response.text()).slice(0, 300);
    throw new PixtapeError(`the emoji set could not be fetched (${response.status}): ${why}`);
  }
  const { metadata, tensors } = decodeSafetensors(new Uint8Array(await response.arrayBuffer()), path);
  const [ends, pairs] = [tensors.get('ends'), tensors.get('pairs')];
  if (ends?.dtype !== 'F64' || pairs?.dtype !== 'U8') throw new PixtapeError(`${path} is no set of pairs`);
  return { width, height, text: JSON.parse(metadata.text ?? '') as EmojiSetText, ends: ends.data, pairs: pairs.data };
}

class PackSource implements PairSource {
  readonly length: number;
  private readonly packs: readonly Pack[];
  private readonly indices: readonly number[];
  private readonly direction: 'AtoB' | 'BtoA';

  constructor(packs: readonly Pack[], indices: readonly number[], direction: 'AtoB' | 'BtoA') {
    this.length = indices.length;
    this.packs = packs;
    this.indices = indices;
    this.direction = direction;
  }

  name(index: number): string {
    return this.packs[0]?.text.names[this.indices[index] as number] ?? '';
  }

  async load(index: number, width: number, height: number): Promise<Sides> {
    const pack = this.packs.find((p) => p.width === width && p.height === height);
    if (!pack) throw new Error(`no emoji rendered at ${width} × ${height}`);
    const at = this.indices[index] as number;
    const bytes = unzlibSync(pack.pairs.subarray(at === 0 ? 0 : pack.ends[at - 1], pack.ends[at]));
    const half = bytes.length / 2;
    const [colour, drawing] = [0, half].map((start) => ({ width, height, data: bytes.subarray(start, start + half) }));
    if (!colour || !drawing) throw new Error('a pair has two sides');
    return this.direction === 'BtoA' ? { real: colour, condition: drawing } : { real: drawing, condition: colour };
  }
}
