import { PixtapeError } from '../../../engine/util/errors.ts';
import type { RandomStream } from '../../../engine/util/random.ts';
import { toChannels } from '../decoders/bands.ts';
import { BadFile, CHECK_PAIRS, withSkipHint } from '../files/formats.ts';
import { CHANNELS, channelsOf, cut, type Raster, toFloats } from '../image/raster.ts';
import type { DataOptions, Dataset, Pair } from './dataset.ts';

export interface Sides {
  real: Raster;
  condition: Raster;
}

/** A source of pairs, which decodes and resizes them. Always returns the same pairs. */
export interface PairSource {
  readonly length: number;
  name(index: number): string;
  load(index: number, width: number, height: number): Promise<Sides>;
}

/**
 * A memory budget for decoded pictures, shared by data sets. Pictures beyond it are decoded again each time. Epochs
 * are shuffled, so evicting old pictures would gain nothing.
 */
export class Budget {
  private left: number;

  constructor(bytes: number) {
    this.left = bytes;
  }

  take(bytes: number): boolean {
    if (bytes > this.left) return false;
    this.left -= bytes;
    return true;
  }
}

export interface PairOptions {
  width: number;
  height: number;
  /** Channels of each side, if they differ from the source's: pictures become grey. */
  channels?: DataOptions['channels'];
  flip: boolean;
  jitter: boolean;
  skipBad: boolean;
  budget: Budget;
  warn: (line: string) => void;
}

/** The paper enlarges pictures from 256 to 286 pixels before cropping to 256. */
export const jittered = (side: number) => Math.round((side * 286) / 256);

/**
 * Pairs with training's augmentation: jitter and flip, the same for both sides. Caches decoded pictures at the size
 * before cropping, as bytes if the file has bytes and they were not blended. Files are then decoded once, memory
 * permitting, and a pair does not depend on the cache.
 */
export class PairDataset implements Dataset {
  readonly length: number;
  readonly width: number;
  readonly height: number;
  private readonly source: PairSource;
  private readonly options: PairOptions;
  private readonly kept = new Map<number, Sides>();
  private readonly bad = new Set<number>();

  constructor(source: PairSource, options: PairOptions) {
    this.source = source;
    this.options = options;
    this.length = source.length;
    this.width = options.width;
    this.height = options.height;
  }

  name(index: number): string {
    return this.source.name(index);
  }

  async pair(index: number, augment?: RandomStream): Promise<Pair> {
    if (!(Number.isInteger(index) && index >= 0 && index < this.length)) {
      throw new Error(`pair ${index} of ${this.length}`);
    }
    const { width, height } = this;
    const { jitter, flip } = this.options;
    // Draw before anything can fail, so that a skipped file does not change other draws.
    const large = augment && jitter ? { width: jittered(width), height: jittered(height) } : { width, height };
    const x = augment && jitter ? augment.below(large.width - width + 1) : 0;
    const y = augment && jitter ? augment.below(large.height - height + 1) : 0;
    const mirror = augment && flip ? augment.uniform() < 0.5 : false;
    const { at, sides } = await this.loadGood(index, large.width, large.height);
    const finish = (side: Raster) => toFloats(cut(side, x, y, width, height, mirror));
    return { name: this.name(at), real: finish(sides.real), condition: finish(sides.condition) };
  }

  /** Loads the pair, or with skipBad the next one that can be decoded. */
  private async loadGood(index: number, width: number, height: number): Promise<{ at: number; sides: Sides }> {
    for (let tried = 0; tried < this.length; tried++) {
      const at = (index + tried) % this.length;
      if (this.bad.has(at)) continue;
      try {
        return { at, sides: await this.load(at, width, height) };
      } catch (error) {
        if (!(error instanceof BadFile)) throw error;
        if (!this.options.skipBad) throw withSkipHint(error, 0, CHECK_PAIRS);
        if (!this.bad.has(at)) {
          this.options.warn(`${error.path} ${error.reason}; another pair takes its place (--skip_bad)`);
        }
        this.bad.add(at);
      }
    }
    throw new PixtapeError(`none of the ${this.length} pairs can be decoded`, 'pixtape data check DIR lists why.');
  }

  private async load(index: number, width: number, height: number): Promise<Sides> {
    const kept = this.kept.get(index);
    if (kept?.real.width === width && kept.real.height === height) return kept;
    const sides = this.inChannels(await this.source.load(index, width, height));
    const bytes = sides.real.data.byteLength + sides.condition.data.byteLength;
    if (!this.kept.has(index) && this.options.budget.take(bytes)) this.kept.set(index, sides);
    return sides;
  }

  /** Rendered pictures have three channels; files are decoded to the wanted number. */
  private inChannels({ real, condition }: Sides): Sides {
    const { channels } = this.options;
    return channels
      ? { real: fitChannels(real, channels.real), condition: fitChannels(condition, channels.condition) }
      : { real, condition };
  }
}

function fitChannels(side: Raster, channels: number): Raster {
  const has = channelsOf(side);
  if (has === channels) return side;
  if (has === CHANNELS && channels === 1) return toChannels(side, 1);
  throw new PixtapeError(
    `these pictures have ${has} channels, but the networks take ${channels}`,
    'Counts other than 1 and 3 need files with as many bands: TIFF or .npy, in a folder.',
  );
}
