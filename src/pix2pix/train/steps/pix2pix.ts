import type { Device } from '../../../engine/gpu/device.ts';
import { initWeights } from '../../../engine/nn/init/init.ts';
import type { Module } from '../../../engine/nn/module.ts';
import { syncBatchNorm } from '../../../engine/nn/norm.ts';
import { Adam } from '../../../engine/nn/optim/adam.ts';
import { WeightAverage } from '../../../engine/nn/optim/average.ts';
import { add, scale } from '../../../engine/ops/elementwise/arithmetic.ts';
import { l1Loss } from '../../../engine/ops/loss/losses.ts';
import { ssimLoss } from '../../../engine/ops/loss/ssim.ts';
import { Rng } from '../../../engine/ops/random/rng.ts';
import { averageOverRanks, completeByBucket } from '../../../engine/ops/ranks/average.ts';
import type { Ranks } from '../../../engine/ops/ranks/ranks.ts';
import { concat } from '../../../engine/ops/shape/concat.ts';
import { backward, noGrad } from '../../../engine/tape/autograd.ts';
import { type Recorded, record } from '../../../engine/tape/record.ts';
import { Tensor } from '../../../engine/tape/tensor.ts';
import { PixtapeError } from '../../../engine/util/errors.ts';
import { createDiscriminator, createGenerator } from '../../models/networks.ts';
import { DISCRIMINATORS } from '../../models/registry/discriminators.ts';
import { GENERATORS } from '../../models/registry/generators.ts';
import type { Discriminator, PictureGenerator } from '../../models/registry/kind.ts';
import type { TrainConfig } from '../config/config.ts';
import { type GanLoss, ganLoss } from '../config/gan_loss.ts';
import { learningRates, PlateauRate } from '../config/rates.ts';
import { RANGE_LIMITS, toNetwork } from '../config/value_range.ts';
import { LossRing, type LossRow } from './loss_ring.ts';
import { Predictor } from './predictor.ts';

export interface Losses {
  /**
   * PatchGAN loss; generator loss (adv + λ·l1 + λ_SSIM·ssim) and its parts, l1 in the generator's range of values and
   * ssim as 1 − SSIM. Losses that a run does not have are 0: disc and adv without a discriminator, ssim without a
   * weight.
   */
  disc: number;
  gen: number;
  adv: number;
  l1: number;
  ssim: number;
}

/** Names of the losses. */
export const LOSS_NAMES: Readonly<Record<keyof Losses, string>> = {
  disc: 'PatchGAN loss',
  gen: 'generator loss',
  adv: 'adversarial loss',
  l1: 'L1 loss',
  ssim: 'structural loss',
};

/** The readable results of a recorded step. */
export interface StepOutputs {
  /** The generator's output in its own step. */
  fake: Tensor;
  losses: Record<'gen' | 'l1', Tensor> & Partial<Record<'disc' | 'adv' | 'ssim', Tensor>>;
  /** The gradient of each parameter by its state-dict name, if requested; in f16 times the loss scale. */
  gradients?: { gen: Map<string, Tensor>; disc: Map<string, Tensor> };
}

export interface ModelOptions {
  /** Draws fresh weights from the configuration's seed; false if a checkpoint will be loaded. Default true. */
  initialise?: boolean;
  /** The ranks that train this model together, each on its part of the configuration's batch. */
  ranks?: Ranks | undefined;
  /** Whether batch norm takes its statistics over the whole batch instead of each rank's part. Default false. */
  syncBatchNorm?: boolean;
}

export interface PrepareOptions {
  /** Called after each compiled kernel. */
  onCompiled?: (done: number, total: number) => void;
  /** Keep all gradients readable after a step. For checks only, since it costs their memory. */
  keepGradients?: boolean;
}

/**
 * Pix2Pix in training: both networks, both optimizers, and the whole training step recorded as one program.
 * Independent of files and of the host.
 */
export class Pix2Pix {
  readonly device: Device;
  readonly config: TrainConfig;
  readonly generator: PictureGenerator;
  /** Undefined with `ganMode: none`. */
  readonly disc: Discriminator | undefined;
  readonly optimG: Adam;
  readonly optimD: Adam | undefined;
  /** The generator with its weights averaged over steps; undefined with `ema: 0`. */
  readonly averaged: PictureGenerator | undefined;
  readonly real: Tensor;
  readonly condition: Tensor;
  /** The generator in evaluation mode, with averaged weights if there are any. */
  readonly predictor: Predictor;
  /** Set with `lrPolicy: plateau`. Watches L1. All losses of an epoch must be read before the next epoch begins. */
  readonly plateau: PlateauRate | undefined;
  /** Steps done so far. */
  step = 0;
  private readonly rng: Rng;
  private readonly average: WeightAverage | undefined;
  private readonly ring: LossRing<keyof Losses>;
  private readonly ranks: Ranks | undefined;
  private recorded: Recorded<StepOutputs> | undefined;

  /** @throws PixtapeError if the batch cannot be divided equally among the ranks */
  constructor(device: Device, config: TrainConfig, options: ModelOptions = {}) {
    const { initialise = true, ranks } = options;
    const { generator, height, width, lr, lrDisc, beta1, beta2, seed } = config;
    const batch = partOfBatch(config.batch, ranks?.count);
    this.device = device;
    this.config = config;
    this.ranks = ranks;
    this.rng = new Rng(device, seed, ranks);
    this.generator = createGenerator(device, config, this.rng);
    this.generator.recompute = config.recompute ?? false;
    this.averaged = config.ema > 0 ? createGenerator(device, config, this.rng) : undefined;
    this.disc = config.ganMode === 'none' ? undefined : createDiscriminator(device, config);
    if (initialise) {
      const normMean = config.init === 'tutorial' ? 0 : 1;
      const weights = config.init === 'he' ? 'he' : 'normal';
      const [{ biases }, { biases: discBiases }] = [GENERATORS[config.netG], DISCRIMINATORS[config.netD]];
      // The average starts from the initial weights.
      for (const net of [this.generator, ...(this.averaged ? [this.averaged] : [])]) {
        initWeights(net, { seed, stream: 1, normMean, weights, biases });
      }
      if (this.disc) initWeights(this.disc, { seed, stream: 2, normMean, weights, biases: discBiases });
    }
    for (const network of [this.generator, this.disc]) {
      if (ranks && network && options.syncBatchNorm) syncBatchNorm(network, ranks);
    }
    const betas: [number, number] = [beta1, beta2];
    const lossScale = config.precision === 'f16';
    this.optimG = new Adam(device, this.generator.parameters(), { lr, betas, lossScale });
    this.optimD = this.disc && new Adam(device, this.disc.parameters(), { lr: lrDisc, betas, lossScale });
    this.real = Tensor.zeros(device, [batch, generator.outChannels, height, width], 'real');
    this.condition = Tensor.zeros(device, [batch, generator.inChannels, height, width], 'condition');
    this.average = this.averaged && new WeightAverage(this.generator, this.averaged, { decay: config.ema });
    this.predictor = new Predictor(device, this.averaged ?? this.generator);
    this.plateau = config.lrPolicy === 'plateau' ? new PlateauRate() : undefined;
    this.ring = new LossRing(device, ['disc', 'gen', 'adv', 'l1', 'ssim']);
  }

  /** Records and compiles the training step. Only the first call's options count. */
  async prepare({ onCompiled, keepGradients = false }: PrepareOptions = {}): Promise<Recorded<StepOutputs>> {
    const { precision = 'f32' } = this.config;
    const body = () => this.recordStep(keepGradients);
    this.recorded ??= await record(this.device, body, { onCompiled, precision });
    return this.recorded;
  }

  private recordStep(keepGradients: boolean): StepOutputs {
    const { generator, disc, condition, config, ring } = this;
    generator.train();

    // Without a discriminator, and with `reuseFake`, one forward pass of the generator serves both steps.
    const once = config.reuseFake || !disc;
    const first = once ? generator.forward(condition) : noGrad(() => generator.forward(condition));
    const lossD = disc && this.recordDiscriminator(disc, first.detach());
    const fake = once ? first : generator.forward(condition);
    const losses = { ...(lossD ? { disc: lossD } : {}), ...this.recordGenerator(fake) };
    this.average?.update();
    ring.store(losses);
    if (!keepGradients) return { fake, losses };
    const gradients = { gen: gradientsOf(generator), disc: disc ? gradientsOf(disc) : new Map<string, Tensor>() };
    return { fake, losses, gradients };
  }

  /** The discriminator's step. Returns its loss. */
  private recordDiscriminator(disc: Discriminator, fake: Tensor): Tensor {
    const loss = disc.mixesPictures ? this.lossOfEach(disc, fake) : this.lossOfBoth(disc, fake);
    this.minimize(loss, disc, this.optimD, [loss]);
    return loss;
  }

  /** The discriminator's loss, with fakes and real pictures as separate batches. */
  private lossOfEach(disc: Discriminator, fake: Tensor): Tensor {
    const mode = lossOf(this.config);
    const fakeLoss = ganLoss(mode, this.judge(disc, fake), 0);
    const realLoss = ganLoss(mode, this.judge(disc, this.real), 1);
    return scale(add(realLoss, fakeLoss), 0.5);
  }

  /** The same with fakes and real pictures in one batch: half the dispatches, each with twice the work. */
  private lossOfBoth(disc: Discriminator, fake: Tensor): Tensor {
    const { device, real, condition, config } = this;
    const conditions = () => concat([condition, condition], 0);
    const logits = this.judge(disc, concat([fake, real], 0), conditions);
    const target = Tensor.lazy(device, logits.shape, 'target of fake and real', () => {
      return new Float32Array(logits.size).fill(1, logits.size / 2);
    });
    return ganLoss(lossOf(config), logits, target);
  }

  /** The discriminator's logits of a picture, with its condition if the discriminator is conditional. */
  private judge(disc: Discriminator, picture: Tensor, condition = () => this.condition): Tensor {
    return this.config.discConditional ? disc.forward(picture, condition()) : disc.forward(picture);
  }

  /** The generator's step. Returns its loss and the parts of the loss. */
  private recordGenerator(fake: Tensor): Omit<StepOutputs['losses'], 'disc'> {
    const { generator, disc, real, config, optimG } = this;
    const adv = disc?.withFrozenWeights(() => ganLoss(lossOf(config), this.judge(disc, fake), 1));
    const l1 = l1Loss(fake, real);
    const ssim = config.lambdaSsim > 0 ? ssimLoss(fake, real, RANGE_LIMITS[generator.range]) : undefined;
    let gen = scale(l1, config.lambdaL1);
    if (adv) gen = add(adv, gen);
    if (ssim) gen = add(gen, scale(ssim, config.lambdaSsim));
    const losses = { gen, l1, ...(adv && { adv }), ...(ssim && { ssim }) };
    this.minimize(gen, generator, optimG, Object.values(losses));
    return losses;
  }

  /** Updates a network by the gradients of `loss`. With several ranks, these and `losses` become the means over all. */
  private minimize(loss: Tensor, network: Module, optimizer: Adam | undefined, losses: readonly Tensor[]): void {
    const { ranks } = this;
    if (ranks) completeByBucket(network.parameters());
    backward(loss, optimizer?.lossScale?.scale);
    if (ranks) {
      const gradients = network.parameters().flatMap(({ grad }) => grad ?? []);
      averageOverRanks(ranks, gradients, { mayRound: true });
      averageOverRanks(ranks, losses);
    }
    optimizer?.step();
  }

  /**
   * Trains one step on a batch (NCHW, values in [0, 1]). `epochs` done so far, fractions included, determine the
   * learning rates. Does not wait for the GPU, but waits for other ranks, if any.
   */
  train(batch: { real: Float32Array; condition: Float32Array }, epochs: number): Promise<void> | undefined {
    const { real, condition } = batch;
    const { range } = this.generator;
    return this.trainAsIs({ real: toNetwork(real, range), condition: toNetwork(condition, range) }, epochs);
  }

  /** As `train`, with pictures in the generator's own range of values. */
  trainAsIs(batch: { real: Float32Array; condition: Float32Array }, epochs: number): Promise<void> | undefined {
    if (!this.recorded) throw new Error('call prepare() before train()');
    this.real.write(batch.real);
    this.condition.write(batch.condition);
    const rates = learningRates(this.config, epochs, this.plateau?.at(Math.floor(epochs)));
    this.rng.setStep(this.step);
    this.ring.setStep(this.step);
    this.optimG.lr = rates.gen;
    this.optimG.setStep(this.step + 1);
    this.average?.setStep(this.step + 1);
    if (this.optimD) {
      this.optimD.lr = rates.disc;
      this.optimD.setStep(this.step + 1);
    }
    this.step++;
    if (this.ranks) return this.recorded.runInParts();
    this.recorded.run();
    return undefined;
  }

  /** The losses of the steps since `from`. Waits for the GPU. */
  async lossesSince(from: number): Promise<LossRow<keyof Losses>[]> {
    const rows = await this.ring.read(from, this.step);
    for (const { step, l1 } of rows) this.plateau?.take(step, l1);
    return rows;
  }

  /** @throws PixtapeError if a loss scale has fallen below 1: gradients overflow f16 even when scaled down */
  async checkLossScales(): Promise<void> {
    for (const [net, optim] of [
      ['generator', this.optimG],
      ['PatchGAN', this.optimD],
    ] as const) {
      const [scale = 1] = (await optim?.lossScale?.scale.read()) ?? [];
      if (scale >= 1) continue;
      throw new PixtapeError(
        `step ${this.step}: the ${net}'s loss scale has fallen to ${scale}: its gradients are too large for --precision f16. Training has stopped; no checkpoint was written after that step.`,
        'Start another run without --precision f16, or with a smaller --lr or --lambda_L1.',
      );
    }
  }

  /** Runs the generator in evaluation mode on conditions (NCHW, any batch, any size that it supports). */
  predict(condition: Float32Array, batch: number, height: number, width: number): Promise<Float32Array> {
    return this.predictor.predict(condition, batch, height, width);
  }
}

/** @throws PixtapeError if the batch cannot be divided equally */
export function partOfBatch(batch: number, ranks = 1): number {
  if (batch % ranks === 0) return batch / ranks;
  throw new PixtapeError(
    `a batch of ${batch} pictures cannot be divided into ${ranks} equal parts`,
    'Use a number of ranks that divides it.',
  );
}

function lossOf({ ganMode }: TrainConfig): GanLoss {
  if (ganMode === 'none') throw new Error('there is a discriminator, but no loss for it');
  return ganMode;
}

function gradientsOf(network: Module): Map<string, Tensor> {
  return new Map([...network.stateDict()].flatMap(([name, { grad }]) => (grad ? [[name, grad] as const] : [])));
}
