import type { Device } from '../../../engine/gpu/device.ts';
import { initWeights } from '../../../engine/nn/init/init.ts';
import { Adam } from '../../../engine/nn/optim/adam.ts';
import { sigmoid } from '../../../engine/ops/elementwise/activations.ts';
import { add, scale } from '../../../engine/ops/elementwise/arithmetic.ts';
import { mean } from '../../../engine/ops/reduce/reduce.ts';
import { backward, noGrad } from '../../../engine/tape/autograd.ts';
import { type Recorded, record } from '../../../engine/tape/record.ts';
import { Tensor } from '../../../engine/tape/tensor.ts';
import { RandomStream } from '../../../engine/util/random.ts';
import { DcganDiscriminator, DcganGenerator } from '../../models/dcgan.ts';
import { dcganConfig, type GanConfig, ganRates } from '../config/gan_config.ts';
import { type GanLoss, ganLoss } from '../config/gan_loss.ts';
import { oneHot } from '../config/one_hot.ts';
import { GanSampler } from './gan_sampler.ts';
import { LossRing, type LossRow } from './loss_ring.ts';

/** Random stream of the training noise; see data/sets/batches.ts for the others. */
const TRAINING_NOISE = 201;

/** The input of a training step. */
export interface GanBatch {
  /** Real pictures, NCHW in [−1, 1]. */
  pictures: Float32Array;
  /** With classes: the label of each picture, and a wrong one. */
  labels: number[];
  wrong: number[];
  /** Noise for the fakes, (N, nz); by default drawn from N(0, 1) by seed and step. */
  noise?: Float32Array;
}

export interface GanLosses {
  /** Discriminator and generator loss, and the discriminator's mean scores of real pictures and of fakes, 0 … 1. */
  disc: number;
  gen: number;
  scoreReal: number;
  scoreFake: number;
}

/** Names of the losses. */
export const GAN_LOSS_NAMES: Readonly<Record<keyof GanLosses, string>> = {
  disc: 'discriminator loss',
  gen: 'generator loss',
  scoreReal: "discriminator's score of real pictures",
  scoreFake: "discriminator's score of fakes",
};

/** The readable results of a recorded step. */
export interface GanOutputs {
  fake: Tensor;
  losses: Record<keyof GanLosses, Tensor>;
}

/**
 * A GAN in training, with or without classes: both networks, both optimizers, and the whole step recorded as one
 * program. Independent of files and of the host.
 */
export class Gan {
  readonly device: Device;
  readonly config: GanConfig;
  readonly generator: DcganGenerator;
  readonly disc: DcganDiscriminator;
  readonly optimG: Adam;
  readonly optimD: Adam;
  readonly noise: Tensor;
  readonly real: Tensor;
  /** With classes: one-hot vectors of the labels, also used for the fakes, and of wrong labels. */
  readonly labels: Tensor | undefined;
  readonly wrong: Tensor | undefined;
  /** The generator in evaluation mode. */
  readonly sampler: GanSampler;
  /** Steps done so far. */
  step = 0;
  private readonly ring: LossRing<keyof GanLosses>;
  private recorded: Recorded<GanOutputs> | undefined;

  /** Draws fresh weights from the configuration's seed, as in DCGAN, unless `initialise` is false. */
  constructor(device: Device, config: GanConfig, { initialise = true } = {}) {
    const { batch, side, nz, lr, lrDisc, beta1, beta2, seed, matching, classes } = config;
    this.device = device;
    this.config = config;
    this.generator = new DcganGenerator(device, dcganConfig(config));
    this.disc = new DcganDiscriminator(device, dcganConfig(config));
    if (initialise) {
      initWeights(this.generator, { seed, stream: 1, normMean: 1 });
      initWeights(this.disc, { seed, stream: 2, normMean: 1 });
    }
    const betas: [number, number] = [beta1, beta2];
    this.optimG = new Adam(device, this.generator.parameters(), { lr, betas });
    this.optimD = new Adam(device, this.disc.parameters(), { lr: lrDisc, betas });
    this.noise = Tensor.zeros(device, [batch, nz, 1, 1], 'noise');
    this.real = Tensor.zeros(device, [batch, 3, side, side], 'real');
    const vectors = (label: string) => Tensor.zeros(device, [batch, classes.length, 1, 1], label);
    if (classes.length > 0) this.labels = vectors('labels');
    if (classes.length > 0 && matching) this.wrong = vectors('wrong labels');
    this.sampler = new GanSampler(device, this.generator);
    this.ring = new LossRing(device, ['disc', 'gen', 'scoreReal', 'scoreFake']);
  }

  /** Records and compiles the training step. */
  async prepare(onCompiled?: (done: number, total: number) => void): Promise<Recorded<GanOutputs>> {
    this.recorded ??= await record(this.device, () => this.recordStep(), { onCompiled });
    return this.recorded;
  }

  /**
   * The discriminator's step on real pictures and fakes, separate batches for batch norm as in DCGAN, then the
   * generator's on the same fakes.
   */
  private recordStep(): GanOutputs {
    const { generator, disc, optimG, optimD, noise, real, labels, wrong, config, ring } = this;
    const { ganMode } = config;
    generator.train();
    disc.train();

    const fake = generator.forward(noise, labels);
    const realLogits = disc.forward(real, labels);
    const fakeLogits = disc.forward(fake.detach(), labels);
    let lossFake = ganLoss(ganMode, fakeLogits, 0);
    if (wrong) lossFake = scale(add(lossFake, ganLoss(ganMode, disc.forward(real, wrong), 0)), 0.5);
    const lossD = add(ganLoss(ganMode, realLogits, config.realTarget), lossFake);
    backward(lossD);
    optimD.step();

    const lossG = disc.withFrozenWeights(() => ganLoss(ganMode, disc.forward(fake, labels), 1));
    backward(lossG);
    optimG.step();

    const scores = { scoreReal: score(ganMode, realLogits), scoreFake: score(ganMode, fakeLogits) };
    const losses = { disc: lossD, gen: lossG, ...scores };
    ring.store(losses);
    return { fake, losses };
  }

  /** Trains one step. Does not wait for the GPU. */
  train(batch: GanBatch): void {
    if (!this.recorded) throw new Error('call prepare() before train()');
    const { config, step } = this;
    this.noise.write(batch.noise ?? this.drawNoise());
    this.real.write(batch.pictures);
    this.labels?.write(oneHot(batch.labels, config.classes.length));
    this.wrong?.write(oneHot(batch.wrong, config.classes.length));
    this.ring.setStep(step);
    const rates = ganRates(config, step);
    this.optimG.lr = rates.gen;
    this.optimD.lr = rates.disc;
    for (const optim of [this.optimG, this.optimD]) optim.setStep(step + 1);
    this.recorded.run();
    this.step++;
  }

  /** Depends only on seed and step. */
  private drawNoise(): Float32Array {
    const random = new RandomStream(this.config.seed, TRAINING_NOISE, this.step);
    return Float32Array.from({ length: this.noise.size }, () => random.normal());
  }

  /** The losses of the steps since `from`. Waits for the GPU. */
  lossesSince(from: number): Promise<LossRow<keyof GanLosses>[]> {
    return this.ring.read(from, this.step);
  }
}

/** The mean score: 1 for certainly real, 0 for certainly fake. Shape [1], not differentiated. */
function score(mode: GanLoss, logits: Tensor): Tensor {
  return noGrad(() => mean(mode === 'vanilla' ? sigmoid(logits) : logits));
}
