import type { StepLoader } from '../../data/sets/batches.ts';
import type { Domain, OpenedUnpaired } from '../../data/sources/open_unpaired.ts';
import { learningRates } from '../config/rates.ts';
import { trainLoop } from '../loop/loop.ts';
import { ModelTask } from '../loop/model_task.ts';
import type { Progress } from '../loop/progress.ts';
import type { FolderTask, LoopOptions, LoopResult, LossFields, SampleOptions } from '../loop/task.ts';
import type { ChartSpec } from '../report/curves.ts';
import { pictureTable } from '../sheets/grid.ts';
import type { LossRow } from '../steps/loss_ring.ts';
import { saveCycleGan } from './checkpoint.ts';
import { CYCLE_LOSS_NAMES, type CycleBatch, type CycleGan, type CycleLoss } from './cycle_gan.ts';

const CHARTS: readonly ChartSpec[] = [
  { field: 'lossCycle', title: 'Cycle loss: there and back again, times its weight', wide: true },
  { field: 'lossG', title: 'Generators’ loss', wide: false },
  { field: 'lossD', title: 'Discriminators’ loss', wide: false },
  { field: 'lossAdv', title: 'Adversarial loss', wide: false },
  { field: 'imagesPerSecond', title: 'Images per second', wide: false },
];
const COLUMNS = ['A', 'painted as B', 'and back', 'B', 'painted as A', 'and back'] as const;

/** Trains a CycleGAN and leaves in the run's folder what `trainLoop` does. `options.samples`: rows of a sample grid. */
export function trainCycleGan(
  model: CycleGan,
  loader: StepLoader<CycleBatch>,
  test: Pick<OpenedUnpaired, 'testA' | 'testB'>,
  options: LoopOptions & { samples: number },
  progress: Progress,
  interrupted: () => boolean,
): Promise<LoopResult> {
  return trainLoop(new CycleTask(model, loader, test, options.samples), options, progress, interrupted);
}

/** CycleGAN as `trainLoop` sees it: a grid of held-out pictures there and back, and no measurement. */
class CycleTask extends ModelTask<CycleLoss, CycleGan, CycleBatch> implements FolderTask<CycleLoss> {
  readonly lossNames = CYCLE_LOSS_NAMES;
  private readonly test: Pick<OpenedUnpaired, 'testA' | 'testB'>;
  private readonly samples: number;

  constructor(
    model: CycleGan,
    loader: StepLoader<CycleBatch>,
    test: Pick<OpenedUnpaired, 'testA' | 'testB'>,
    samples: number,
  ) {
    super(model, loader);
    this.test = test;
    this.samples = samples;
  }

  protected train(batch: CycleBatch, epochsDone: number): unknown {
    return this.model.train(batch, epochsDone);
  }

  logged({ disc, gen, adv, cycle }: LossRow<CycleLoss>): LossFields {
    return { lossD: disc, lossG: gen, lossAdv: adv, lossCycle: cycle };
  }

  divergenceHint(epoch: number): string {
    const { gen, disc } = learningRates(this.model.config, epoch, this.model.plateau?.factor);
    return `Learning rates were ${gen} (generators) and ${disc} (discriminators): try smaller ones (--lr, --lr_D).`;
  }

  async sample({ stop, onPainted }: SampleOptions) {
    const { painterA, painterB, config } = this.model;
    const { width, height } = config;
    const spread = (domain: Domain, i: number) => Math.floor((i * domain.length) / this.samples);
    const rows: { name: string; pictures: Float32Array[] }[] = [];
    for (let i = 0; i < this.samples; i++) {
      if (stop()) return undefined;
      onPainted(i, this.samples);
      const there = async (domain: Domain, to: typeof painterA, back: typeof painterA) => {
        const picture = await domain.picture(spread(domain, i));
        const painted = await to.predict(picture, 1, height, width);
        return [picture, painted, await back.predict(painted, 1, height, width)];
      };
      const { testA, testB } = this.test;
      const pictures = [...(await there(testA, painterA, painterB)), ...(await there(testB, painterB, painterA))];
      rows.push({ name: `${testA.name(spread(testA, i))} · ${testB.name(spread(testB, i))}`, pictures });
    }
    return { grid: await pictureTable(rows, COLUMNS, width, height, { across: 1 }), measured: {} };
  }

  save(path: string, record: Record<string, unknown>): Promise<void> {
    return saveCycleGan(path, this.model, record);
  }

  report() {
    return {
      config: { ...this.model.config },
      charts: CHARTS,
      gridNote: 'held-out pictures, painted there and back again',
    };
  }
}
