import { PixtapeError } from '../../../engine/util/errors.ts';
import type { RandomStream } from '../../../engine/util/random.ts';
import { BadFile, withSkipHint } from '../files/formats.ts';
import type { Raster } from '../image/raster.ts';
import { AT_REST, drawMovement, warp } from '../image/warp.ts';
import type { Budget } from './pairs.ts';

/** A source of square pictures. Always returns the same pictures. */
export interface PictureSource {
  readonly length: number;
  name(index: number): string;
  /** Index of its class; 0 without classes. */
  label(index: number): number;
  /** Whether to hold it out for testing; if omitted, names decide. */
  heldOut?(index: number): boolean;
  /** Loads the picture at `side` × `side`. @throws BadFile if its file cannot be decoded */
  load(index: number, side: number): Promise<Raster>;
}

export interface PictureOptions {
  /** Pixels of a side. */
  side: number;
  /** Names of the classes; empty without classes. */
  classes: readonly string[];
  /** Small random rotations, translations and scales; random mirroring. */
  augment: boolean;
  flip: boolean;
  skipBad: boolean;
  budget: Budget;
  warn: (line: string) => void;
}

/** Square pictures of one size, each with its class. */
export class PictureSet {
  readonly side: number;
  readonly classes: readonly string[];
  /** Number of pictures. */
  readonly count: number;
  /**
   * Items per epoch. With classes, each class has as many items as the largest one has pictures, so that all are seen
   * equally often; pictures of smaller classes are repeated.
   */
  readonly length: number;
  private readonly source: PictureSource;
  private readonly options: PictureOptions;
  private readonly places: readonly number[];
  private readonly kept = new Map<number, Raster>();
  private readonly bad = new Set<number>();

  constructor(source: PictureSource, options: PictureOptions) {
    this.source = source;
    this.options = options;
    this.side = options.side;
    this.classes = options.classes;
    this.count = source.length;
    this.places = balanced(source, options.classes.length);
    this.length = this.places.length;
  }

  /** The class of an item. */
  label(place: number): number {
    return this.source.label(this.at(place));
  }

  name(place: number): string {
    return this.source.name(this.at(place));
  }

  /**
   * Loads the picture of an item, CHW, 3 channels, values in [0, 1]. With `random` it is augmented as the options say.
   * @throws PixtapeError naming the file if it cannot be decoded, unless bad files are skipped
   */
  async picture(place: number, random?: RandomStream): Promise<Float32Array> {
    const { augment: move, flip } = this.options;
    // Draw before anything can fail, so that a skipped file does not change other draws.
    const movement = random ? drawMovement(random, { move, flip }) : AT_REST;
    return warp(await this.loadGood(this.at(place)), this.side, movement);
  }

  private at(place: number): number {
    const index = this.places[place];
    if (index === undefined) throw new Error(`picture ${place} of ${this.length}`);
    return index;
  }

  /** Loads the picture, or with skipBad the next one of its class that can be decoded. */
  private async loadGood(index: number): Promise<Raster> {
    const { source, bad, options } = this;
    for (let tried = 0; tried < source.length; tried++) {
      const at = (index + tried) % source.length;
      if (bad.has(at) || source.label(at) !== source.label(index)) continue;
      try {
        return await this.load(at);
      } catch (error) {
        if (!(error instanceof BadFile)) throw error;
        if (!options.skipBad) throw withSkipHint(error);
        if (!bad.has(at)) options.warn(`${error.path} ${error.reason}; another picture takes its place (--skip_bad)`);
        bad.add(at);
      }
    }
    throw new PixtapeError(`no picture like ${source.name(index)} can be decoded`, 'The warnings above say why.');
  }

  /** Augmented pictures are sampled from twice the size, because rotating at the size itself would blur. */
  private async load(index: number): Promise<Raster> {
    const kept = this.kept.get(index);
    if (kept) return kept;
    const raster = await this.source.load(index, this.options.augment ? 2 * this.side : this.side);
    if (!this.kept.has(index) && this.options.budget.take(raster.data.byteLength)) this.kept.set(index, raster);
    return raster;
  }
}

/** Every picture once; with classes, every class that has pictures as often as the largest. */
function balanced(source: PictureSource, classes: number): number[] {
  const all = Array.from({ length: source.length }, (_, i) => i);
  if (classes === 0) return all;
  const members = Array.from({ length: classes }, (_, label) => all.filter((i) => source.label(i) === label));
  const most = Math.max(...members.map((list) => list.length));
  return members.flatMap((list) => {
    return list.length === 0 ? [] : Array.from({ length: most }, (_, i) => list[i % list.length] as number);
  });
}
