import type { Device } from '../../../engine/gpu/device.ts';
import { initWeights } from '../../../engine/nn/init/init.ts';
import type { Module } from '../../../engine/nn/module.ts';
import { Adam } from '../../../engine/nn/optim/adam.ts';
import { crossEntropy } from '../../../engine/ops/loss/cross_entropy.ts';
import { backward, noGrad } from '../../../engine/tape/autograd.ts';
import { type Recorded, record } from '../../../engine/tape/record.ts';
import { Tensor } from '../../../engine/tape/tensor.ts';
import { PixtapeError } from '../../../engine/util/errors.ts';
import type { RandomStream } from '../../../engine/util/random.ts';
import { augmentation, StepLoader } from '../../data/sets/batches.ts';
import type { PictureSet } from '../../data/sets/picture_set.ts';
import { Classifier } from '../../models/classifier.ts';
import { toNetwork } from '../config/value_range.ts';

/** A classifying network: (N, 3, H, W) in [−1, 1] → logits (N, classes, h, w), one class per position. */
export interface ClassifyingNetwork extends Module {
  forward(picture: Tensor): Tensor;
}

/** A picture (3 · H · W, values in [0, 1]) and the class of each position. */
export interface Example {
  picture: Float32Array;
  labels: ArrayLike<number>;
}

/** Examples to learn from. */
export interface ExampleSet {
  readonly length: number;
  /** @param augment returns the random numbers for augmentation, the same ones on each call */
  example(index: number, augment: () => RandomStream): Promise<Example>;
}

export interface ClassifierOptions {
  /** Size of the pictures in pixels. */
  height: number;
  width: number;
  /** Rows and columns of positions: 1 × 1 for one class per picture. */
  places: readonly [rows: number, columns: number];
  classes: number;
  /** Pictures in a step. */
  batch: number;
  lr: number;
  seed: number;
}

/** Trains and runs a network that classifies pictures, or each of their pixels. Used to evaluate other networks. */
export class ClassifierTraining<N extends ClassifyingNetwork = ClassifyingNetwork> {
  readonly network: N;
  private readonly device: Device;
  private readonly options: ClassifierOptions;
  private readonly optim: Adam;
  private readonly pictures: Tensor;
  private readonly labels: Tensor;
  private step = 0;
  private training: Recorded<Tensor> | undefined;
  private use: Recorded<Tensor> | undefined;

  /** Draws the network's weights from the seed. */
  constructor(device: Device, network: N, options: ClassifierOptions) {
    this.device = device;
    this.network = network;
    this.options = options;
    const { height, width, places, batch, lr, seed } = options;
    initWeights(network, { seed, stream: 3, normMean: 1 });
    this.optim = new Adam(device, network.parameters(), { lr });
    this.pictures = Tensor.zeros(device, [batch, 3, height, width], 'pictures');
    this.labels = Tensor.zeros(device, [batch, ...places], 'labels', 'u32');
  }

  /**
   * Trains until `steps` steps are done in total, with the augmentation of the set, and returns the last step's loss.
   * The same seed and pictures give the same bits.
   * @param onStep called after each step
   * @throws PixtapeError if the loss is not finite
   */
  async train(set: ExampleSet, steps: number, onStep: (done: number) => void = () => undefined): Promise<number> {
    const { seed, batch } = this.options;
    const loader = new StepLoader(set.length, { batchSize: batch, seed }, (step, indices) =>
      Promise.all(indices.map((index, slot) => set.example(index, () => augmentation(seed, step, slot)))),
    );
    this.training ??= await record(this.device, () => this.recordStep());
    let inFlight: Promise<unknown> = Promise.resolve();
    while (this.step < steps) {
      const examples = await loader.batch(this.step);
      await inFlight;
      this.write(examples.map(({ picture }) => picture));
      this.labels.write(Uint32Array.from(examples.flatMap(({ labels }) => Array.from(labels))));
      this.training.run();
      this.step++;
      inFlight = this.device.drain();
      onStep(this.step);
    }
    const [loss = Number.NaN] = await this.training.outputs.read();
    if (Number.isFinite(loss)) return loss;
    throw new PixtapeError(`the classifier's loss is ${loss} after step ${this.step}`, 'Another seed may help.');
  }

  private recordStep(): Tensor {
    this.network.train();
    const loss = crossEntropy(this.network.forward(this.pictures), this.labels);
    backward(loss);
    this.optim.step();
    return loss;
  }

  /**
   * Classifies pictures (3 · H · W, values in [0, 1]) in evaluation mode. Returns the class of every position, picture
   * by picture and row by row. Of equally likely classes it takes the first.
   */
  async classify(pictures: readonly Float32Array[]): Promise<Uint32Array> {
    const { batch, classes, places } = this.options;
    const plane = places[0] * places[1];
    this.use ??= await record(this.device, () => {
      this.network.eval();
      return noGrad(() => this.network.forward(this.pictures));
    });
    const found = new Uint32Array(pictures.length * plane);
    for (let first = 0; first < pictures.length; first += batch) {
      const part = pictures.slice(first, first + batch);
      this.write(part);
      this.use.run();
      const logits = await this.use.outputs.read();
      for (let at = 0; at < part.length * plane; at++) {
        const start = Math.floor(at / plane) * classes * plane + (at % plane);
        found[first * plane + at] = mostLikely(logits, start, plane, classes);
      }
    }
    return found;
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

/** The class with the largest logit at a position, whose logits begin at `start` and are `stride` apart. */
function mostLikely(logits: Float32Array, start: number, stride: number, classes: number): number {
  let best = 0;
  for (let k = 1; k < classes; k++) {
    if ((logits[start + k * stride] as number) > (logits[start + best * stride] as number)) best = k;
  }
  return best;
}

export interface PictureClassifierOptions {
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

/** Classifies whole pictures, to tell whether a GAN's pictures show the requested class. */
export function pictureClassifier(
  device: Device,
  { side, classes, hidden = 8, batch = 16, lr = 2e-3, seed }: PictureClassifierOptions,
): ClassifierTraining<Classifier> {
  const network = new Classifier(device, { side, classes, hidden });
  const size = { height: side, width: side, places: [1, 1] as const };
  return new ClassifierTraining(device, network, { ...size, classes, batch, lr, seed });
}

/** Presents a set of pictures as examples of their classes. */
export const examplesOf = (set: PictureSet): ExampleSet => ({
  length: set.length,
  example: async (index, augment) => ({ picture: await set.picture(index, augment()), labels: [set.label(index)] }),
});
