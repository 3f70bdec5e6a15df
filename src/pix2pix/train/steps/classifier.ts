import type { Device } from '../../../engine/gpu/device.ts';
import { initWeights } from '../../../engine/nn/init/init.ts';
import { Adam } from '../../../engine/nn/optim/adam.ts';
import { crossEntropy } from '../../../engine/ops/loss/cross_entropy.ts';
import { backward, noGrad } from '../../../engine/tape/autograd.ts';
import { type Recorded, record } from '../../../engine/tape/record.ts';
import { Tensor } from '../../../engine/tape/tensor.ts';
import { PixtapeError } from '../../../engine/util/errors.ts';
import { augmentation, StepLoader } from '../../data/sets/batches.ts';
import type { PictureSet } from '../../data/sets/picture_set.ts';
import { Classifier } from '../../models/classifier.ts';
import { oneHot } from '../config/one_hot.ts';
import { toNetwork } from '../config/value_range.ts';

export interface ClassifierOptions {
  /** Side of a picture in pixels, and the number of classes. */
  side: number;
  classes: number;
  /** Channels of the first level; default 8. */
  hidden?: number;
  /** Pictures in a step; default 16. */
  batch?: number;
  /** Default 2e-3. */
  lr?: number;
  seed: number;
}

/** Trains and runs a classifier, which judges whether a GAN's pictures show the requested class. */
export class ClassifierTraining {
  readonly network: Classifier;
  private readonly device: Device;
  private readonly options: Required<ClassifierOptions>;
  private readonly optim: Adam;
  private readonly pictures: Tensor;
  private readonly target: Tensor;
  private step = 0;
  private training: Recorded<Tensor> | undefined;
  private use: Recorded<Tensor> | undefined;

  constructor(device: Device, options: ClassifierOptions) {
    this.device = device;
    this.options = { hidden: 8, batch: 16, lr: 2e-3, ...options };
    const { side, classes, hidden, batch, lr, seed } = this.options;
    this.network = new Classifier(device, { side, classes, hidden });
    initWeights(this.network, { seed, stream: 3, normMean: 1 });
    this.optim = new Adam(device, this.network.parameters(), { lr });
    this.pictures = Tensor.zeros(device, [batch, 3, side, side], 'pictures');
    this.target = Tensor.zeros(device, [batch, classes, 1, 1], 'target');
  }

  /**
   * Trains until `steps` steps are done in total, with the augmentation of the set, and returns the last step's loss.
   * The same seed and pictures give the same bits.
   * @param onStep called after each step
   * @throws PixtapeError if the loss is not finite
   */
  async train(set: PictureSet, steps: number, onStep: (done: number) => void = () => undefined): Promise<number> {
    const { seed, batch, classes } = this.options;
    const loader = new StepLoader(set.length, { batchSize: batch, seed }, async (step, indices) => ({
      pictures: await Promise.all(indices.map((place, slot) => set.picture(place, augmentation(seed, step, slot)))),
      labels: indices.map((place) => set.label(place)),
    }));
    this.training ??= await record(this.device, () => this.recordStep());
    let inFlight: Promise<unknown> = Promise.resolve();
    while (this.step < steps) {
      const { pictures, labels } = await loader.batch(this.step);
      await inFlight;
      this.write(pictures);
      this.target.write(oneHot(labels, classes));
      this.training.run();
      this.step++;
      inFlight = this.device.drain();
      onStep(this.step);
    }
    const [loss = Number.NaN] = await this.training.outputs.read();
    if (Number.isFinite(loss)) return loss;
    throw new PixtapeError(`the classifier's loss is ${loss} after step ${this.step}`, 'Another --seed may help.');
  }

  private recordStep(): Tensor {
    this.network.train();
    const loss = crossEntropy(this.network.forward(this.pictures), this.target);
    backward(loss);
    this.optim.step();
    return loss;
  }

  /** Classifies pictures (CHW, values in [0, 1]) in evaluation mode. */
  async classify(pictures: readonly Float32Array[]): Promise<number[]> {
    const { batch, classes } = this.options;
    this.use ??= await record(this.device, () => {
      this.network.eval();
      return noGrad(() => this.network.forward(this.pictures));
    });
    const labels: number[] = [];
    for (let first = 0; first < pictures.length; first += batch) {
      const part = pictures.slice(first, first + batch);
      this.write(part);
      this.use.run();
      const logits = await this.use.outputs.read();
      part.forEach((_, i) => {
        const row = logits.subarray(i * classes, (i + 1) * classes);
        labels.push(row.indexOf(Math.max(...row)));
      });
    }
    return labels;
  }

  /** Fills a short last batch with grey. */
  private write(pictures: readonly Float32Array[]): void {
    const values = new Float32Array(this.pictures.size);
    pictures.forEach((picture, i) => {
      values.set(toNetwork(picture, 'symmetric'), i * picture.length);
    });
    this.pictures.write(values);
  }
}
