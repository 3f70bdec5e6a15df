import type { Device } from '../../../engine/gpu/device.ts';
import { initWeights } from '../../../engine/nn/init/init.ts';
import { Adam } from '../../../engine/nn/optim/adam.ts';
import { add, scale } from '../../../engine/ops/elementwise/arithmetic.ts';
import { l1Loss } from '../../../engine/ops/loss/losses.ts';
import { Rng } from '../../../engine/ops/random/rng.ts';
import { backward } from '../../../engine/tape/autograd.ts';
import { type Recorded, record } from '../../../engine/tape/record.ts';
import { Tensor } from '../../../engine/tape/tensor.ts';
import { createGenerator } from '../../models/networks.ts';
import { DISCRIMINATORS } from '../../models/registry/discriminators.ts';
import type { Discriminator, PictureGenerator } from '../../models/registry/kind.ts';
import { type GanLoss, ganLoss } from '../config/gan_loss.ts';
import { learningRates, PlateauRate } from '../config/rates.ts';
import { toNetwork } from '../config/value_range.ts';
import { LossRing, type LossRow } from '../steps/loss_ring.ts';
import { Predictor } from '../steps/predictor.ts';
import type { CycleConfig } from './config.ts';
import { ImagePool } from './image_pool.ts';

/** Names of the losses. `disc` and `gen` are the sums that the optimizers minimise. */
export const CYCLE_LOSS_NAMES = {
  disc: 'discriminators’ loss',
  gen: 'generators’ loss',
  adv: 'adversarial loss',
  cycle: 'cycle loss',
  identity: 'identity loss',
} as const;
export type CycleLoss = keyof typeof CYCLE_LOSS_NAMES;

/** A batch of each domain, NCHW in [0, 1]. */
export interface CycleBatch {
  a: Float32Array;
  b: Float32Array;
}

/** The readable results of a recorded step. */
export interface CycleOutputs {
  fakeA: Tensor;
  fakeB: Tensor;
  losses: Record<CycleLoss, Tensor>;
}

/**
 * CycleGAN in training: G_A paints B from A, and G_B paints A from B. Each has its own discriminator, and translating
 * there and back must reproduce the picture. Names are those of the widely used PyTorch implementation, in which D_A
 * judges the output of G_A.
 * Source: Zhu et al. 2017, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks".
 */
export class CycleGan {
  readonly device: Device;
  readonly config: CycleConfig;
  readonly netGA: PictureGenerator;
  readonly netGB: PictureGenerator;
  readonly netDA: Discriminator;
  readonly netDB: Discriminator;
  readonly optimG: Adam;
  readonly optimD: Adam;
  readonly realA: Tensor;
  readonly realB: Tensor;
  /** Pools of fakes for D_A and D_B. */
  readonly poolA: ImagePool;
  readonly poolB: ImagePool;
  /** The generators in evaluation mode. */
  readonly painterA: Predictor;
  readonly painterB: Predictor;
  /** Set with `lrPolicy: plateau`. Watches the cycle loss. */
  readonly plateau: PlateauRate | undefined;
  /** Steps done so far. */
  step = 0;
  private readonly rng: Rng;
  private readonly ring: LossRing<CycleLoss>;
  private recorded: Recorded<CycleOutputs> | undefined;

  /** Draws fresh weights from the configuration's seed, unless `initialise` is false. */
  constructor(device: Device, config: CycleConfig, { initialise = true } = {}) {
    const { batch, width, height, lr, lrDisc, beta1, beta2, seed, poolSize, netD, norm } = config;
    const { discHidden: hidden, discLayers: layers } = config;
    const channels = config.generator.outChannels;
    this.device = device;
    this.config = config;
    this.rng = new Rng(device, seed);
    this.netGA = createGenerator(device, config, this.rng);
    this.netGB = createGenerator(device, config, this.rng);
    for (const generator of [this.netGA, this.netGB]) generator.recompute = config.recompute ?? false;
    const judge = () => DISCRIMINATORS[netD].create(device, { inChannels: channels, hidden, norm, layers });
    this.netDA = judge();
    this.netDB = judge();
    if (initialise) {
      [this.netGA, this.netDA, this.netGB, this.netDB].forEach((net, i) => {
        initWeights(net, {
          seed,
          stream: i + 1,
          normMean: 1,
          weights: config.init === 'he' ? 'he' : 'normal',
          biases: 'zero',
        });
      });
    }
    const betas: [number, number] = [beta1, beta2];
    this.optimG = new Adam(device, [...this.netGA.parameters(), ...this.netGB.parameters()], { lr, betas });
    this.optimD = new Adam(device, [...this.netDA.parameters(), ...this.netDB.parameters()], { lr: lrDisc, betas });
    const shape = [batch, channels, height, width];
    this.realA = Tensor.zeros(device, shape, 'real A');
    this.realB = Tensor.zeros(device, shape, 'real B');
    this.poolA = new ImagePool(device, shape, { size: poolSize, seed, number: 0 });
    this.poolB = new ImagePool(device, shape, { size: poolSize, seed, number: 1 });
    this.painterA = new Predictor(device, this.netGA);
    this.painterB = new Predictor(device, this.netGB);
    this.plateau = config.lrPolicy === 'plateau' ? new PlateauRate() : undefined;
    this.ring = new LossRing(device, Object.keys(CYCLE_LOSS_NAMES) as CycleLoss[]);
  }

  /** Records and compiles the training step. */
  async prepare(onCompiled?: (done: number, total: number) => void): Promise<Recorded<CycleOutputs>> {
    this.recorded ??= await record(this.device, () => this.recordStep(), { onCompiled });
    return this.recorded;
  }

  private recordStep(): CycleOutputs {
    const { fakeA, fakeB, losses } = this.recordGenerators();
    const disc = this.recordDiscriminators(fakeA, fakeB);
    this.ring.store({ ...losses, disc });
    return { fakeA, fakeB, losses: { ...losses, disc } };
  }

  /** Both generators' step, with the discriminators' weights frozen. */
  private recordGenerators() {
    const { netGA, netGB, netDA, netDB, realA, realB, config } = this;
    const { lambdaA, lambdaB, lambdaIdentity } = config;
    netGA.train();
    netGB.train();
    const fakeB = netGA.forward(realA);
    const fakeA = netGB.forward(realB);
    const cycle = add(
      scale(l1Loss(netGB.forward(fakeB), realA), lambdaA),
      scale(l1Loss(netGA.forward(fakeA), realB), lambdaB),
    );
    const identity =
      lambdaIdentity > 0
        ? add(
            scale(l1Loss(netGA.forward(realB), realB), lambdaB * lambdaIdentity),
            scale(l1Loss(netGB.forward(realA), realA), lambdaA * lambdaIdentity),
          )
        : undefined;
    const adv = netDA.withFrozenWeights(() =>
      netDB.withFrozenWeights(() => add(this.judge(netDA.forward(fakeB), 1), this.judge(netDB.forward(fakeA), 1))),
    );
    const gen = identity ? add(add(adv, cycle), identity) : add(adv, cycle);
    backward(gen);
    this.optimG.step();
    return { fakeA, fakeB, losses: { gen, adv, cycle, identity: identity ?? scale(cycle, 0) } };
  }

  /** Both discriminators' step, on pictures from the pools. */
  private recordDiscriminators(fakeA: Tensor, fakeB: Tensor): Tensor {
    const { netDA, netDB, realA, realB, poolA, poolB, optimD } = this;
    const half = (net: Discriminator, real: Tensor, fake: Tensor) =>
      scale(add(this.judge(net.forward(real), 1), this.judge(net.forward(fake), 0)), 0.5);
    const loss = add(half(netDA, realB, poolA.show(fakeB)), half(netDB, realA, poolB.show(fakeA)));
    backward(loss);
    optimD.step();
    return loss;
  }

  private judge(logits: Tensor, target: number): Tensor {
    return ganLoss(this.config.ganMode as GanLoss, logits, target);
  }

  /** Trains one step after `epochs` epochs, fractions included. Does not wait for the GPU. */
  train({ a, b }: CycleBatch, epochs: number): void {
    if (!this.recorded) throw new Error('call prepare() before train()');
    const { range } = this.netGA;
    this.realA.write(toNetwork(a, range));
    this.realB.write(toNetwork(b, range));
    const rates = learningRates(this.config, epochs, this.plateau?.at(Math.floor(epochs)));
    this.optimG.lr = rates.gen;
    this.optimD.lr = rates.disc;
    for (const optim of [this.optimG, this.optimD]) optim.setStep(this.step + 1);
    for (const part of [this.rng, this.ring, this.poolA, this.poolB]) part.setStep(this.step);
    this.recorded.run();
    this.step++;
  }

  /** The losses of the steps since `from`. Waits for the GPU. */
  async lossesSince(from: number): Promise<LossRow<CycleLoss>[]> {
    const rows = await this.ring.read(from, this.step);
    for (const { step, cycle } of rows) this.plateau?.take(step, cycle);
    return rows;
  }
}
