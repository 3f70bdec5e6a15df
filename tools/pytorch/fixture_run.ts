import type { Device } from '../../src/engine/gpu/device.ts';
import { Conv2d, ConvTranspose2d } from '../../src/engine/nn/layers.ts';
import type { Module } from '../../src/engine/nn/module.ts';
import type { Optimizer } from '../../src/engine/nn/optim/optimizer.ts';
import { add, scale } from '../../src/engine/ops/elementwise/arithmetic.ts';
import { dropout } from '../../src/engine/ops/random/dropout.ts';
import type { Rng } from '../../src/engine/ops/random/rng.ts';
import type { Recorded } from '../../src/engine/tape/record.ts';
import type { Tensor } from '../../src/engine/tape/tensor.ts';
import { PixtapeError } from '../../src/engine/util/errors.ts';
import type { GanState } from '../../src/pix2pix/train/checkpoint/state.ts';
import { RING_LENGTH } from '../../src/pix2pix/train/steps/loss_ring.ts';
import { Pix2Pix, type StepOutputs } from '../../src/pix2pix/train/steps/pix2pix.ts';
import { Predictor } from '../../src/pix2pix/train/steps/predictor.ts';
import { checkNetwork, type Fixture, LOSSES, NETS, type Net, under } from './fixture.ts';
import { ranksInOne } from './ranks_in_one.ts';

/** Everything that is compared, by its name in the fixture without `expect.`; a counter as one float. */
export type Answer = Map<string, Float32Array>;

/** Relative size of a perturbation of a convolution's result and of its incoming gradient: 8 roundings of float32. */
const PERTURBATION = 2 ** -21;

/** A model with its recorded step, for the whole problem or for one rank. */
interface Worker {
  model: Pix2Pix;
  recorded: Recorded<StepOutputs>;
}

export interface FixtureRunOptions {
  /** Perturbs every value of every convolution's result by ±2^-21 of itself, with new draws in each step. */
  perturb?: Rng;
  /**
   * How many ranks share the batch, with batch norm over all of them: the answer must be the same. Default 1, or as many as
   * the fixture itself has, each with batch norm over its own part. They live in this process.
   */
  ranks?: number | undefined;
}

/** A fixture's model on a device. Can compute the problem from its start any number of times. */
export class FixtureRun {
  private readonly device: Device;
  private readonly fixture: Fixture;
  /** One per rank. Only the first one's state is compared. */
  private readonly workers: readonly [Worker, ...Worker[]];

  private constructor(device: Device, fixture: Fixture, workers: readonly [Worker, ...Worker[]]) {
    this.device = device;
    this.fixture = fixture;
    this.workers = workers;
  }

  /**
   * @throws PixtapeError if the file's tensors are not those of the model that its configuration describes, or its batch
   *   cannot be divided into equal parts for the ranks
   */
  static async open(device: Device, fixture: Fixture, { perturb, ranks = fixture.ranks }: FixtureRunOptions = {}) {
    if (fixture.ranks > 1 && ranks !== fixture.ranks) {
      throw new PixtapeError(`${fixture.file}: it is the answer of ${fixture.ranks} ranks, and not of ${ranks}`);
    }
    const syncBatchNorm = fixture.ranks === 1;
    const workers: Worker[] = [];
    for (const rank of ranks === 1 ? [undefined] : ranksInOne(ranks)) {
      const model = new Pix2Pix(device, fixture.config, { initialise: false, ranks: rank, syncBatchNorm });
      for (const net of NETS) {
        const { network } = parts(model, net);
        checkNetwork(fixture, net, network);
        if (perturb) perturbConvolutions(network, perturb);
      }
      workers.push({ model, recorded: await model.prepare({ keepGradients: true }) });
    }
    return new FixtureRun(device, fixture, workers as [Worker, ...Worker[]]);
  }

  private get model(): Pix2Pix {
    return this.workers[0].model;
  }

  /** Runs one step, each rank on its part of the batch. */
  private async step(): Promise<void> {
    const { real, condition } = this.fixture.batch;
    const { length } = this.workers;
    const part = (all: Float32Array, i: number) =>
      all.subarray((all.length / length) * i, (all.length / length) * (i + 1));
    await Promise.all(
      this.workers.map(({ model }, i) => model.trainAsIs({ real: part(real, i), condition: part(condition, i) }, 0)),
    );
  }

  /** Runs the first step from the file's state. Returns what is compared, with the generator's picture after the step. */
  async firstStep(): Promise<Answer> {
    const { model, fixture } = this;
    const { batch, config } = fixture;
    this.restart();
    await this.step();
    const answer = await this.afterFirstStep();
    // PyTorch's eval() uses only running statistics.
    const evaluation = new Predictor(this.device, model.generator, { statistics: 'running' });
    answer.set('fake_eval', await evaluation.raw(batch.condition, config.batch, config.height, config.width));
    evaluation.destroy();
    await this.device.check();
    return answer;
  }

  /** Returns the losses of all steps. Continues from the first. */
  async curves(): Promise<Answer> {
    const { model, fixture } = this;
    const rows = await model.lossesSince(0);
    while (model.step < fixture.steps) {
      const from = model.step;
      for (let n = 0; n < RING_LENGTH && model.step < fixture.steps; n++) await this.step();
      rows.push(...(await model.lossesSince(from)));
    }
    await this.device.check();
    return new Map(NETS.map((net) => [`curve.${net}`, Float32Array.from(rows, (losses) => losses[net])]));
  }

  /** Returns to the state before the first step. */
  private restart(): void {
    const { workers, fixture } = this;
    for (const { model } of workers) {
      for (const net of NETS) {
        const { network, optim } = parts(model, net);
        network.loadStateDict(under(fixture, `${net}.`), { source: fixture.file });
        for (const moment of [...optim.state().values()].flat()) moment.write(new Float32Array(moment.size));
      }
      model.step = 0;
    }
  }

  private async afterFirstStep(): Promise<Answer> {
    const { losses, gradients } = this.workers[0].recorded.outputs;
    if (!gradients) throw new Error('the step was recorded without its gradients');
    const fakes = await Promise.all(this.workers.map(({ recorded }) => recorded.outputs.fake.read()));
    const answer: Answer = new Map([['fake', Float32Array.from(fakes.flatMap((fake) => [...fake]))]]);
    for (const name of LOSSES) answer.set(`loss.${name}`, await (losses[name] as Tensor).read());
    for (const net of NETS) {
      for (const [name, gradient] of gradients[net]) answer.set(`grad.${net}.${name}`, await gradient.read());
      for (const { name, tensor, kind } of parts(this.model, net).network.stateEntries()) {
        const values = kind === 'counter' ? Float32Array.from(await tensor.readIntegers()) : await tensor.read();
        answer.set(`after.${net}.${name}`, values);
      }
    }
    return answer;
  }

  /** Frees the step's memory. The weights live as long as the device. */
  destroy(): void {
    for (const { recorded } of this.workers) recorded.destroy();
  }
}

function parts({ generator, optimG, disc, optimD }: GanState, net: Net): { network: Module; optim: Optimizer } {
  if (net === 'gen') return { network: generator, optim: optimG };
  if (!disc || !optimD) throw new Error('a fixture has a discriminator');
  return { network: disc, optim: optimD };
}

/**
 * Dropout at one half maps y to 0 or 2y. So a mixture with y itself gives y · (1 ± PERTURBATION), and its gradient likewise.
 */
function perturbConvolutions(net: Module, rng: Rng): void {
  const perturbed = (y: Tensor) => add(scale(y, 1 - PERTURBATION), scale(dropout(y, 0.5, rng), PERTURBATION));
  for (const [, module] of net.modules()) {
    if (!(module instanceof Conv2d || module instanceof ConvTranspose2d)) continue;
    const forward = module.forward.bind(module);
    module.forward = (x) => perturbed(forward(x));
  }
}
