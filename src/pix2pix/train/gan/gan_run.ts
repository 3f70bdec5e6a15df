import type { StepLoader } from '../../data/sets/batches.ts';
import { saveGan } from '../checkpoint/gan_checkpoint.ts';
import { trainLoop } from '../loop/loop.ts';
import { ModelTask } from '../loop/model_task.ts';
import type { Progress } from '../loop/progress.ts';
import type { FolderTask, LoopOptions, LoopResult, LossFields, SampleOptions } from '../loop/task.ts';
import type { ChartSpec } from '../report/curves.ts';
import { trainingSheet } from '../sheets/gan_samples.ts';
import { GAN_LOSS_NAMES, type Gan, type GanBatch, type GanLosses } from '../steps/gan.ts';

const CHARTS: readonly ChartSpec[] = [
  { field: 'scoreReal', title: "Discriminator's score of real pictures (0 … 1)", wide: false },
  { field: 'scoreFake', title: "Discriminator's score of fakes (0 … 1)", wide: false },
  { field: 'lossG', title: 'Generator loss', wide: false },
  { field: 'lossD', title: 'Discriminator loss', wide: false },
  { field: 'imagesPerSecond', title: 'Images per second', wide: false },
];

/** Trains a GAN and leaves in the run's folder what `trainLoop` does. `options.samples`: pictures in a sample grid. */
export function trainGan(
  model: Gan,
  loader: StepLoader<GanBatch>,
  options: LoopOptions & { samples: number },
  progress: Progress,
  interrupted: () => boolean,
): Promise<LoopResult> {
  return trainLoop(new GanTask(model, loader, options.samples), options, progress, interrupted);
}

/** A GAN as `trainLoop` sees it: a grid from fixed noise, and no measurement. */
class GanTask extends ModelTask<keyof GanLosses, Gan, GanBatch> implements FolderTask<keyof GanLosses> {
  readonly lossNames = GAN_LOSS_NAMES;
  private readonly samples: number;

  constructor(model: Gan, loader: StepLoader<GanBatch>, samples: number) {
    super(model, loader);
    this.samples = samples;
  }

  protected train(batch: GanBatch): unknown {
    return this.model.train(batch);
  }

  logged({ disc, gen, scoreReal, scoreFake }: GanLosses): LossFields {
    return { lossD: disc, lossG: gen, scoreReal, scoreFake };
  }

  divergenceHint(): string {
    const { lr, lrDisc } = this.model.config;
    return `Learning rates were ${lr} (generator) and ${lrDisc} (discriminator): try smaller ones (--lr, --lr_D).`;
  }

  async sample({ stop }: SampleOptions) {
    const { sampler, config } = this.model;
    const grid = await trainingSheet(sampler, config, this.samples, stop);
    return grid && { grid, measured: {} };
  }

  save(path: string, record: Record<string, unknown>): Promise<void> {
    return saveGan(path, this.model, record);
  }

  report() {
    const { config } = this.model;
    const what = config.classes.length > 0 ? `a row for each class (${config.classes.join(', ')})` : 'pictures';
    return { config: { ...config }, charts: CHARTS, gridNote: `${what} made from fixed noise` };
  }
}
