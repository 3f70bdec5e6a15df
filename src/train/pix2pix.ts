import type { Device } from '../gpu/device.ts';
import { Generator } from '../models/generator.ts';
import { PatchGAN } from '../models/patch_gan.ts';
import { Adam } from '../nn/adam.ts';
import { initWeights } from '../nn/init.ts';
import type { Module } from '../nn/module.ts';
import { add } from '../ops/add.ts';
import { bceWithLogits, l1Loss } from '../ops/losses.ts';
import { Rng } from '../ops/rng.ts';
import { scale } from '../ops/scale.ts';
import { backward, noGrad } from '../tape/autograd.ts';
import { type Recorded, record } from '../tape/record.ts';
import { Tensor } from '../tape/tensor.ts';
import { learningRates, type TrainConfig } from './config.ts';
import { LossRing } from './loss_ring.ts';
import { Painter } from './painter.ts';

export interface Losses {
  /** PatchGAN loss; generator loss (adv + λ·l1); its two parts. */
  disc: number;
  gen: number;
  adv: number;
  l1: number;
}

/** What one recorded step leaves readable. */
export interface StepOutputs {
  /** The generator's output in its own pass. */
  fake: Tensor;
  losses: Record<keyof Losses, Tensor>;
  /** The gradient of each parameter by its state-dict name, if asked for. */
  gradients?: { gen: Map<string, Tensor>; disc: Map<string, Tensor> };
}

export interface PrepareOptions {
  /** Hears of each finished kernel. */
  onCompiled?: (done: number, total: number) => void;
  /** Keep every gradient readable after a step; costs their memory, for checks only. */
  keepGradients?: boolean;
}

/**
 * Pix2Pix in training: both networks, both optimisers, and the whole training step recorded as one program. Knows
 * nothing of files or the host it runs on.
 */
export class Pix2Pix {
  readonly device: Device;
  readonly config: TrainConfig;
  readonly generator: Generator;
  readonly disc: PatchGAN;
  readonly optimG: Adam;
  readonly optimD: Adam;
  readonly real: Tensor;
  readonly condition: Tensor;
  /** The generator in evaluation mode. */
  readonly painter: Painter;
  /** Steps done so far. */
  step = 0;
  private readonly rng: Rng;
  private readonly ring: LossRing;
  private recorded: Recorded<StepOutputs> | undefined;

  /**
   * Networks with fresh weights drawn from the configuration's seed; `initialise: false` skips the drawing where a
   * checkpoint is to be loaded anyway.
   */
  constructor(device: Device, config: TrainConfig, { initialise = true } = {}) {
    const { generator, discHidden, batch, height, width, lr, lrDisc, beta1, beta2, seed } = config;
    this.device = device;
    this.config = config;
    this.rng = new Rng(device, seed);
    this.generator = new Generator(device, generator, this.rng);
    this.disc = new PatchGAN(device, { inChannels: generator.inChannels + generator.outChannels, hidden: discHidden });
    if (initialise) {
      const normMean = config.init === 'paper' ? 1 : 0;
      initWeights(this.generator, { seed, stream: 1, normMean });
      initWeights(this.disc, { seed, stream: 2, normMean });
    }
    const betas: [number, number] = [beta1, beta2];
    this.optimG = new Adam(device, this.generator.parameters(), { lr, betas });
    this.optimD = new Adam(device, this.disc.parameters(), { lr: lrDisc, betas });
    this.real = Tensor.zeros(device, [batch, generator.outChannels, height, width], 'real');
    this.condition = Tensor.zeros(device, [batch, generator.inChannels, height, width], 'condition');
    this.painter = new Painter(device, this.generator);
    this.ring = new LossRing(device, ['disc', 'gen', 'adv', 'l1']);
  }

  /** Records and compiles the training step. The first call's options hold. */
  async prepare({ onCompiled, keepGradients = false }: PrepareOptions = {}): Promise<Recorded<StepOutputs>> {
    this.recorded ??= await record(this.device, () => this.recordStep(keepGradients), onCompiled);
    return this.recorded;
  }

  private recordStep(keepGradients: boolean): StepOutputs {
    const { generator, disc, optimG, optimD, real, condition, config, ring } = this;
    generator.train();
    generator.zeroGrad();
    disc.zeroGrad();

    // With --reuse_fake the one forward of the generator carries the tape of the generator's step.
    const first = config.reuseFake ? generator.forward(condition) : noGrad(() => generator.forward(condition));
    const fakeLogits = disc.forward(first.detach(), condition);
    const realLogits = disc.forward(real, condition);
    const lossD = scale(add(bceWithLogits(realLogits, 1), bceWithLogits(fakeLogits, 0)), 0.5);
    backward(lossD);
    optimD.step();

    const fake = config.reuseFake ? first : generator.forward(condition);
    const [lossG, adv, l1] = disc.frozen(() => {
      const adv = bceWithLogits(disc.forward(fake, condition), 1);
      const l1 = l1Loss(fake, real);
      return [add(adv, scale(l1, config.lambda)), adv, l1] as const;
    });
    backward(lossG);
    optimG.step();

    const losses = { disc: lossD, gen: lossG, adv, l1 };
    for (const [name, value] of Object.entries(losses)) ring.store(name, value);
    if (!keepGradients) return { fake, losses };
    return { fake, losses, gradients: { gen: gradientsOf(generator), disc: gradientsOf(disc) } };
  }

  /**
   * Trains one step on a batch (NCHW, values in [0, 1]) after `epochs` epochs, fractions included: the learning rates
   * depend on them. Does not wait for the GPU.
   */
  train(batch: { real: Float32Array; condition: Float32Array }, epochs: number): void {
    if (!this.recorded) throw new Error('call prepare() before train()');
    this.real.write(batch.real);
    this.condition.write(batch.condition);
    const rates = learningRates(this.config, epochs);
    this.rng.setStep(this.step);
    this.ring.setStep(this.step);
    this.optimG.setStep(this.step + 1, rates.gen);
    this.optimD.setStep(this.step + 1, rates.disc);
    this.recorded.run();
    this.step++;
  }

  /** The losses of the steps since `from`. Waits for the GPU. */
  async lossesSince(from: number): Promise<(Losses & { step: number })[]> {
    const rows = await this.ring.read(from, this.step);
    return rows.map(({ step, losses }) => ({ step, ...(losses as unknown as Losses) }));
  }

  /** The generator's answer, in evaluation mode, to conditions (NCHW, any batch, any size that it takes). */
  paint(condition: Float32Array, batch: number, height: number, width: number): Promise<Float32Array> {
    return this.painter.paint(condition, batch, height, width);
  }
}

function gradientsOf(network: Module): Map<string, Tensor> {
  return new Map(network.stateDict().flatMap((e) => (e.tensor.grad ? [[e.name, e.tensor.grad] as const] : [])));
}
