import type { BatchLoader } from '../../data/sets/batches.ts';
import type { Dataset } from '../../data/sets/dataset.ts';
import { saveCheckpoint } from '../checkpoint/checkpoint.ts';
import { learningRates } from '../config/rates.ts';
import { differenceScale } from '../config/value_range.ts';
import { picturesToMeasure } from '../evaluate/budget.ts';
import { HeldOutSet, type HeldOutSetOptions } from '../evaluate/held_out.ts';
import { type ChartSpec, PIX2PIX_CHARTS } from '../report/curves.ts';
import type { Losses, Pix2Pix } from '../steps/pix2pix.ts';
import { trainLoop } from './loop.ts';
import { Pix2PixTask } from './pix2pix_task.ts';
import type { Progress } from './progress.ts';
import type { FolderTask, LoopOptions, LoopResult, LossFields, SampleOptions } from './task.ts';

export { LATEST, ofEpoch, ofStep } from './task.ts';

export interface RunOptions extends LoopOptions {
  heldOut: HeldOutSetOptions;
}

export interface RunResult extends LoopResult {
  /** The last held-out L1, undefined if none was measured; and the L1 of copying the input. */
  testL1: number | undefined;
  baselineL1: number;
  /** The pictures that both were measured on, and how many are held out. */
  measured: number;
  heldOut: number;
}

/**
 * Trains Pix2Pix; see `trainLoop` for what it leaves in the run's folder.
 * @throws PixtapeError if a loss is not finite, a picture cannot be read, or the disk is full; the last good
 *   checkpoint stays intact
 */
export async function trainPix2Pix(
  model: Pix2Pix,
  loader: BatchLoader,
  test: Dataset,
  options: RunOptions,
  progress: Progress,
  interrupted: () => boolean,
): Promise<RunResult> {
  const task = new PairTask(model, loader, await HeldOutSet.load(test, options.heldOut), options);
  const result = await trainLoop(task, options, progress, interrupted);
  const { testL1, baseline, measured, heldOut } = task;
  return { ...result, testL1, baselineL1: baseline, measured, heldOut: heldOut.total };
}

/** Pix2Pix as `trainLoop` sees it: measured on held-out pictures whenever a grid is drawn. */
class PairTask extends Pix2PixTask implements FolderTask<keyof Losses> {
  readonly heldOut: HeldOutSet;
  /** The last score, over how many pictures it was measured, and what copying the input scores on them. */
  testL1: number | undefined;
  measured: number;
  baseline: number;
  private readonly options: Pick<RunOptions, 'steps' | 'sampleEvery'>;

  constructor(
    model: Pix2Pix,
    loader: BatchLoader,
    heldOut: HeldOutSet,
    options: Pick<RunOptions, 'steps' | 'sampleEvery'>,
  ) {
    super(model, loader);
    this.heldOut = heldOut;
    this.measured = heldOut.count;
    this.baseline = heldOut.baseline;
    this.options = options;
  }

  /** Only the losses that the run has. */
  logged(row: Losses): LossFields {
    return {
      lossD: row.disc,
      lossG: row.gen,
      ...(this.model.disc && { lossAdv: row.adv }),
      lossL1: row.l1,
      ...(this.model.config.lambdaSsim > 0 && { lossSsim: row.ssim }),
    };
  }

  divergenceHint(epoch: number): string {
    const { config } = this.model;
    const { gen, disc } = learningRates(config, epoch, this.model.plateau?.factor);
    const hint = `Learning rates were ${gen} (generator) and ${disc} (PatchGAN): try smaller ones (--lr, --lr_D).`;
    if (config.precision !== 'f16') return hint;
    return `${hint} Or it was --precision f16, in which activations above 65504 are infinite: start again without it.`;
  }

  async sample({ stop, last, onPainted }: SampleOptions) {
    const { heldOut, model, batch, step, options } = this;
    const measure = picturesToMeasure(heldOut.count, {
      pictures: step * batch,
      every: (options.sampleEvery || Number.POSITIVE_INFINITY) * batch,
      total: options.steps * batch,
      last,
    });
    const evaluated = await heldOut.evaluate(model, { measure, stop, onPainted });
    if (!evaluated) return undefined;
    const { grid, l1, baseline, measured } = evaluated;
    if (l1 === undefined) return { grid, measured: {} };
    this.testL1 = l1;
    this.baseline = baseline;
    this.measured = measured;
    const copying = Number.isNaN(baseline) ? '' : ` (copying the input: ${baseline.toFixed(4)})`;
    const few = measured < heldOut.count ? ` on ${measured} of ${heldOut.total} pictures` : '';
    return { grid, measured: { testL1: l1 }, note: `held-out L1 ${l1.toFixed(4)}${few}${copying}` };
  }

  save(path: string, record: Record<string, unknown>): Promise<void> {
    return saveCheckpoint(path, this.model, record);
  }

  /** Charts of the losses that the run has. L1 is shown in the units of the held-out L1, [0, 1]. */
  private charts(): ChartSpec[] {
    const { generator, disc, config } = this.model;
    const factor = differenceScale(generator.range);
    const absent = [...(disc ? [] : ['lossD', 'lossAdv']), ...(config.lambdaSsim > 0 ? [] : ['lossSsim'])];
    return PIX2PIX_CHARTS.filter(({ field }) => !absent.includes(field)).map((chart) =>
      chart.field === 'lossL1' ? { ...chart, factor } : chart,
    );
  }

  report() {
    const { testL1, baseline: copied, measured, heldOut } = this;
    const percent = (n: number) => `${Math.abs(100 * n).toFixed(0)} % ${n < 0 ? 'below' : 'above'}`;
    // NaN if input and output differ in channels, so that copying is impossible.
    const comparable = !Number.isNaN(copied);
    const compared = comparable && testL1 !== undefined;
    const summary = [
      ...(testL1 === undefined ? [] : [{ label: 'Held-out L1', value: testL1.toFixed(4) }]),
      ...(comparable ? [{ label: 'Copying the input', value: copied.toFixed(4) }] : []),
      ...(compared ? [{ label: 'Against copying', value: percent(testL1 / copied - 1) }] : []),
      { label: 'Measured on', value: `${measured} of ${heldOut.total} held-out pictures` },
    ];
    const baseline = { label: 'copying the input', value: copied };
    return { config: { ...this.model.config }, summary, ...(comparable ? { baseline } : {}), charts: this.charts() };
  }
}
