import type { Device } from '../../engine/gpu/device.ts';
import { PixtapeError } from '../../engine/util/errors.ts';
import { BadFile, withSkipHint } from '../../pix2pix/data/files/formats.ts';
import type { ValueRange } from '../../pix2pix/data/image/decode.ts';
import { isPictured, writePictureAs } from '../../pix2pix/data/image/encode.ts';
import { readPicture } from '../../pix2pix/data/image/picture.ts';
import type { SidesOf } from '../../pix2pix/models/generators/config.ts';
import { GENERATORS } from '../../pix2pix/models/registry/generators.ts';
import type { TrainConfig } from '../../pix2pix/train/config/config.ts';
import {
  type Preparation,
  paintedSize,
  prepare,
  type Size,
  translate,
} from '../../pix2pix/train/evaluate/translate.ts';
import { checkMemory, estimatePrediction } from '../../pix2pix/train/memory/estimate.ts';
import type { Predictor } from '../../pix2pix/train/steps/predictor.ts';
import { counter } from '../shared/counter.ts';
import type { Job } from './files.ts';

export interface Translation {
  predictor: Predictor;
  device: Device;
  /** What the generator was trained with. */
  config: TrainConfig;
  /** Whether it paints with dropout and the picture's own statistics. */
  sampling: boolean;
  preparation: Preparation;
  /** If it was trained on files: whether they were side-by-side pairs, and which half is the condition. */
  pairs: { sideBySide: boolean; half: 'left' | 'right' } | undefined;
  /** The values that 0 and 1 stand for in files whose values are not bytes. */
  range: ValueRange | undefined;
  skipBad: boolean;
  interrupted: () => boolean;
}

export interface Translated {
  pictures: number;
  /** Time for reading, predicting and writing, without preparing kernels and programs. */
  seconds: number;
  preparing: number;
}

/** Translates every picture. The first bad file ends it, or with `skipBad` is left out with a warning. */
export async function translateAll(jobs: readonly Job[], work: Translation): Promise<Translated> {
  const start = performance.now();
  const sizes = new Sizes(work);
  const painted = counter((done, total) => `${done} of ${total} pictures`);
  let pictures = 0;
  for (const job of jobs) {
    if (work.interrupted()) break;
    try {
      await translateOne(job, work, sizes);
      pictures++;
    } catch (error) {
      if (!(error instanceof BadFile)) throw error;
      if (!work.skipBad) throw jobs.length > 1 ? withSkipHint(error) : error;
      console.warn(`warning: ${error.path} ${error.reason}; left out (--skip_bad)`);
    }
    painted(pictures, jobs.length);
  }
  painted(jobs.length, jobs.length);
  const { preparing } = sizes;
  const seconds = (performance.now() - start) / 1000 - preparing;
  sizes.report();
  if (pictures === 0 && !work.interrupted()) {
    throw new PixtapeError(`none of the ${jobs.length} pictures could be painted`, 'The warnings above say why.');
  }
  return { pictures, seconds, preparing };
}

async function translateOne({ from, to }: Job, work: Translation, sizes: Sizes): Promise<void> {
  const { preparation, config, predictor } = work;
  // A vector drawing is rendered at the size that the network was trained at.
  const { width, height } = preparation.resize ?? config;
  const both = preparation.side ? 2 : 1;
  const { inChannels } = config.generator;
  const picture = await readPicture(from, {
    vector: { width: both * width, height },
    ...(isPictured(inChannels) ? {} : { channels: inChannels }),
    ...(work.range ? { range: work.range } : {}),
  });
  if (picture.width % both !== 0) {
    const reason = `is ${picture.width} pixels wide, which has no halves`;
    throw new BadFile(from, reason, 'Leave --side out for pictures that are no pairs.');
  }
  const shape = shapeOf(picture, config);
  if (both === 2 && shape === 'single') {
    const reason = `is ${picture.width} × ${picture.height}, the shape of a single picture and not of a pair`;
    throw new BadFile(from, reason, 'Leave --side out for pictures that are no pairs.');
  }
  if (both === 1 && shape === 'pair') sizes.pairs++;
  // Check before resizing, which takes memory, too.
  const size = await sizes.admit(preparation.resize ?? { width: picture.width / both, height: picture.height });
  const condition = prepare(picture, preparation);
  await writePictureAs(to, await translate(predictor, condition, size), work.range);
}

/** Compares a picture's shape with the training pictures': one of them, or two side by side. */
function shapeOf(
  picture: { width: number; height: number },
  { width, height }: TrainConfig,
): 'single' | 'pair' | 'other' {
  const times = (picture.width * height) / (picture.height * width);
  if (Math.abs(times - 1) < 0.1) return 'single';
  return Math.abs(times - 2) < 0.02 ? 'pair' : 'other';
}

/**
 * Keeps track of picture sizes: checks each against the memory once, records its program once, and reports at the end
 * what was done about unusual ones.
 */
class Sizes {
  /** Seconds spent on preparing programs. */
  preparing = 0;
  /** Pictures shaped like a side-by-side pair that were translated as a whole. */
  pairs = 0;
  private readonly work: Translation;
  private readonly sides: SidesOf;
  private readonly seen = new Set<string>();
  private padded = 0;
  private unfamiliar: string | undefined;

  constructor(work: Translation) {
    this.work = work;
    const { netG, generator } = work.config;
    this.sides = GENERATORS[netG].sidesOf(generator);
  }

  /**
   * @returns the size at which it is painted
   * @throws PixtapeError if translating a picture of this size takes more memory than there is
   */
  async admit({ width, height }: Size): Promise<Size> {
    const { config, predictor, sampling } = this.work;
    const size = paintedSize({ width, height }, this.sides, sampling);
    const { width: w, height: h } = size;
    if (w !== width || h !== height) this.padded++;
    const ratio = Math.sqrt((width * height) / (config.width * config.height));
    if (ratio > 1.5 || ratio < 1 / 1.5) this.unfamiliar ??= `${width} × ${height}`;
    const start = performance.now();
    if (!this.seen.has(`${w} ${h}`)) await this.checkMemory(w, h);
    this.seen.add(`${w} ${h}`);
    await predictor.program(1, h, w);
    this.preparing += (performance.now() - start) / 1000;
    return size;
  }

  private async checkMemory(width: number, height: number): Promise<void> {
    const { config, device } = this.work;
    const need = await estimatePrediction(device, config, height, width);
    // The generator is loaded already.
    const temporaries = { ...need, state: 0, copy: 0, total: need.temporaries };
    checkMemory(device, temporaries, `painting a picture of ${width} × ${height}`, 'its size: --crop_size');
  }

  report(): void {
    const { config, preparation, pairs } = this.work;
    if (this.pairs > 0 && pairs?.sideBySide !== false) {
      const are = this.pairs === 1 ? '1 picture has' : `${this.pairs} pictures have`;
      const half = pairs ? `--side ${pairs.half}` : '--side left or --side right';
      console.log(
        `note     ${are} the shape of side-by-side pairs and ${this.pairs === 1 ? 'was' : 'were'} painted whole: ` +
          `${half} paints from the half that is the condition`,
      );
    }
    if (this.padded > 0) {
      const were = this.padded === 1 ? '1 picture was' : `${this.padded} pictures were`;
      console.log(
        `sizes    ${were} filled up to multiples of ${this.sides.unit} pixels by repeating the edge, and cut back`,
      );
    }
    if (this.unfamiliar && !preparation.resize) {
      const trained = config.width === config.height ? config.width : `${config.width}x${config.height}`;
      console.log(
        `note     painted at ${this.unfamiliar}, trained at ${config.width} × ${config.height}: results are worse at another ` +
          `scale; --crop_size ${trained} gives the trained one`,
      );
    }
  }
}
