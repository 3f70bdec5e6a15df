import type { Device } from '../../../engine/gpu/device.ts';
import { BatchNorm2d } from '../../../engine/nn/layers.ts';
import type { Rng } from '../../../engine/ops/random/rng.ts';
import { noGrad } from '../../../engine/tape/autograd.ts';
import { type Recorded, record } from '../../../engine/tape/record.ts';
import { Tensor } from '../../../engine/tape/tensor.ts';
import type { PictureGenerator } from '../../models/registry/kind.ts';
import { fromNetwork, toNetwork } from '../config/value_range.ts';

export interface PredictorOptions {
  /**
   * Keeps dropout and batch statistics on, as the paper does at test time. Draws from this generator of random numbers,
   * which must be the network's own. Updates the running statistics, as training does. Without it there is no dropout.
   */
  sampling?: Rng;
  /**
   * The statistics that batch norm uses when not sampling: the running ones, as in PyTorch's evaluation mode, or each
   * picture's own. The default depends on the generator: see `usualStatistics`.
   */
  statistics?: Statistics;
}

export type Statistics = 'running' | 'own';

/**
 * The default statistics of a generator. If one batch norm serves two places, as in the tutorial's generator, its
 * running statistics average over both and fit neither: the output would be flat grey.
 */
export function usualStatistics({ sharedNorm = false }: { sharedNorm?: boolean }): Statistics {
  return sharedNorm ? 'own' : 'running';
}

/** Makes a generator use these statistics in evaluation mode. */
export function useStatistics(generator: PictureGenerator, statistics: Statistics): void {
  for (const [, module] of generator.modules()) {
    if (module instanceof BatchNorm2d) module.perPicture = statistics === 'own';
  }
}

/** Most programs to keep. A folder may hold pictures of many sizes, and each program has its own temporaries. */
const KEPT = 2;

/** Runs a generator on conditions of any size that it supports. Records a program per size when first needed. */
export class Predictor {
  private readonly device: Device;
  private readonly generator: PictureGenerator;
  private readonly sampling: Rng | undefined;
  private readonly statistics: Statistics;
  private readonly programs = new Map<string, { input: Tensor; recorded: Recorded<Tensor> }>();
  private draws = 0;

  constructor(device: Device, generator: PictureGenerator, { sampling, statistics }: PredictorOptions = {}) {
    this.device = device;
    this.generator = generator;
    this.sampling = sampling;
    this.statistics = statistics ?? usualStatistics(generator.config);
  }

  /**
   * Runs the generator on `batch` conditions, (N, in, H, W) → (N, out, H, W), both in [0, 1]. Waits for the GPU. When
   * sampling, each call draws new dropout masks; the n-th call of two predictors with the same seed draws the same.
   * @throws PixtapeError if the sides do not fit the generator or memory runs out
   */
  async predict(condition: Float32Array, batch: number, height: number, width: number): Promise<Float32Array> {
    const { range } = this.generator;
    return fromNetwork(await this.raw(toNetwork(condition, range), batch, height, width), range);
  }

  /** Channels of input and output. */
  get channels(): { in: number; out: number } {
    const { inChannels, outChannels } = this.generator.config;
    return { in: inChannels, out: outChannels };
  }

  /** As `predict`, with input and output in the generator's own range of values. */
  async raw(condition: Float32Array, batch: number, height: number, width: number): Promise<Float32Array> {
    const { input, recorded } = await this.program(batch, height, width);
    input.write(condition);
    this.sampling?.setStep(this.draws++);
    recorded.run();
    return recorded.outputs.read();
  }

  /** Records the program for a size before its first use. */
  async program(batch: number, height: number, width: number) {
    const key = `${batch} ${height} ${width}`;
    let program = this.programs.get(key);
    // Delete and set again, so that the most recently used program is last in the map.
    this.programs.delete(key);
    if (!program) {
      for (const old of [...this.programs.keys()].slice(0, 1 - KEPT)) this.drop(old);
      const { device, generator } = this;
      const input = Tensor.zeros(device, [batch, generator.config.inChannels, height, width], 'condition');
      try {
        program = { input, recorded: await record(device, () => this.forward(input)) };
      } catch (error) {
        input.dispose();
        throw error;
      }
    }
    this.programs.set(key, program);
    return program;
  }

  private forward(input: Tensor): Tensor {
    const { generator, sampling, statistics } = this;
    const before = generator.training;
    generator.train(sampling !== undefined);
    useStatistics(generator, statistics);
    try {
      return noGrad(() => generator.forward(input));
    } finally {
      generator.train(before);
      useStatistics(generator, 'running');
    }
  }

  private drop(key: string): void {
    const program = this.programs.get(key);
    if (!program) return;
    program.recorded.destroy();
    program.input.dispose();
    this.programs.delete(key);
  }

  /** Frees the programs' memory, but keeps the generator. */
  destroy(): void {
    for (const key of [...this.programs.keys()]) this.drop(key);
  }
}
