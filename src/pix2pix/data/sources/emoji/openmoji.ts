import { PixtapeError } from '../../../../engine/util/errors.ts';
import type { DataOptions, OpenedData } from '../../sets/dataset.ts';
import { Budget, jittered, PairDataset, type PairSource, type Sides } from '../../sets/pairs.ts';
import { roomForPictures } from '../../split/cache_budget.ts';
import { holdOut, type Split } from '../../split/split.ts';
import { baseOf, chooseEmojis, type Emoji, readEmojiPackage } from './emoji.ts';
import { type EmojiPack, openEmojiPack } from './emoji_pack.ts';

/** Opens the emoji set: the coloured picture is side A, its line drawing side B. */
export async function openOpenmoji(options: DataOptions): Promise<OpenedData> {
  const { width, height, flip, jitter, direction, skipBad, warn, maxDatasetSize, channels } = options;
  const { emojis, packs, train, test, description } = await loadEmojis(options);
  const used = train.slice(0, maxDatasetSize);
  const common = {
    width,
    height,
    ...(channels ? { channels } : {}),
    skipBad,
    warn,
    budget: new Budget(roomForPictures()),
  };
  const source = (indices: number[]) => new EmojiSource(emojis, indices, packs, direction);
  const way = direction === 'BtoA' ? 'line drawing → colour' : 'colour → line drawing';
  return {
    train: new PairDataset(source(used), { ...common, flip, jitter }),
    test: new PairDataset(source(test), { ...common, flip: false, jitter: false }),
    summary: `${used.length} pairs for training, ${test.length} held out by code point: ${description}, ${way}`,
  };
}

/** Renders the chosen emojis (with jitter, also at the size before cropping) and splits them. */
export async function loadEmojis(
  options: Pick<DataOptions, 'groups' | 'width' | 'height' | 'warn' | 'onRendered'> & { jitter?: boolean },
) {
  const { width, height, jitter, warn, onRendered } = options;
  const emojiPackage = readEmojiPackage();
  const groups = (options.groups ?? []).flatMap((name) => name.split(',').filter(Boolean));
  const emojis = chooseEmojis(emojiPackage.emojis, groups);
  const render = (w: number, h: number) => openEmojiPack(emojiPackage, emojis, w, h, onRendered, warn);
  const pack = await render(width, height);
  const packs = jitter ? [pack, await render(jittered(width), jittered(height))] : [pack];
  const description = `openmoji ${emojiPackage.version}, ${groups.length > 0 ? groups.join(', ') : 'all groups'}`;
  return { emojis, packs, pack, description, ...splitEmojis(emojis, pack.looks, warn) };
}

/**
 * Holds out a tenth of the base code points. A held-out emoji that looks like one in training, such as the flags of
 * Norway and Svalbard, is dropped.
 * @param looks keys that are equal for equal pictures
 */
export function splitEmojis(emojis: readonly Emoji[], looks: readonly string[], warn: (line: string) => void): Split {
  let split = holdOut(emojis.map(baseOf));
  if (!split) {
    split = holdOut(emojis.map((emoji) => emoji.hexcode));
    if (!split) throw new PixtapeError('one emoji is not enough to train and to test', 'Take more --groups.');
    warn('all these emojis are variants of one: those held out resemble those in training');
  }
  const seen = new Set(split.train.map((i) => looks[i]));
  const test = split.test.filter((i) => !seen.has(looks[i]));
  if (test.length === 0) {
    throw new PixtapeError('every emoji that could be held out looks like one in training', 'Take more --groups.');
  }
  return { train: split.train, test };
}

class EmojiSource implements PairSource {
  readonly length: number;
  private readonly emojis: readonly Emoji[];
  private readonly indices: readonly number[];
  private readonly packs: readonly EmojiPack[];
  private readonly direction: DataOptions['direction'];

  constructor(
    emojis: readonly Emoji[],
    indices: readonly number[],
    packs: readonly EmojiPack[],
    direction: DataOptions['direction'],
  ) {
    this.length = indices.length;
    this.emojis = emojis;
    this.indices = indices;
    this.packs = packs;
    this.direction = direction;
  }

  name(index: number): string {
    return (this.emojis[this.indices[index] as number] as Emoji).annotation;
  }

  async load(index: number, width: number, height: number): Promise<Sides> {
    const pack = this.packs.find((p) => p.width === width && p.height === height);
    if (!pack) throw new Error(`no emojis rendered at ${width} × ${height}`);
    const { colour, drawing } = await pack.pair(this.indices[index] as number);
    return this.direction === 'BtoA' ? { real: colour, condition: drawing } : { real: drawing, condition: colour };
  }
}
