import { resize } from '../../image/resize.ts';
import type { DataOptions, OpenedData } from '../../sets/dataset.ts';
import { Budget, PairDataset, type PairSource, type Sides } from '../../sets/pairs.ts';
import { drawFacade } from './draw.ts';

/** About as many as CMP's set has for training and for testing. */
const FACADES = { train: 400, test: 100 };
export const TEST_SHARE = FACADES.test / (FACADES.train + FACADES.test);

/** Seed of the facades. It is independent of a run's seed, so that runs can be compared. */
const SEED = 0;

/**
 * Opens the drawn facades: the picture is side A, the map of its classes side B. They are drawn at 256 × 256 on demand
 * and then treated like files of a folder. `pixtape data facades` writes the same ones.
 * @param room bytes for drawn pictures
 */
export function openFacades(options: DataOptions, room: number): OpenedData {
  const { width, height, flip, jitter, direction, skipBad, warn, maxDatasetSize, channels } = options;
  const train = Math.min(FACADES.train, maxDatasetSize ?? FACADES.train);
  const common = { width, height, ...(channels ? { channels } : {}), skipBad, warn, budget: new Budget(room) };
  const source = (first: number, count: number) => new FacadeSource(first, count, options);
  const way = direction === 'BtoA' ? 'label map → facade' : 'facade → label map';
  return {
    train: new PairDataset(source(0, train), { ...common, flip, jitter }),
    test: new PairDataset(source(FACADES.train, FACADES.test), { ...common, flip: false, jitter: false }),
    summary: `${train} pairs for training, ${FACADES.test} held out: drawn facades, ${way}`,
  };
}

class FacadeSource implements PairSource {
  readonly length: number;
  private readonly first: number;
  private readonly options: Pick<DataOptions, 'direction' | 'resize'>;

  constructor(first: number, count: number, options: Pick<DataOptions, 'direction' | 'resize'>) {
    this.length = count;
    this.first = first;
    this.options = options;
  }

  name(index: number): string {
    return `facade ${this.first + index + 1}`;
  }

  async load(index: number, width: number, height: number): Promise<Sides> {
    const { picture, labels } = drawFacade(SEED, this.first + index);
    const { direction, resize: mode } = this.options;
    const [real, condition] = direction === 'BtoA' ? [picture, labels] : [labels, picture];
    return { real: resize(real, width, height, mode), condition: resize(condition, width, height, mode) };
  }
}
