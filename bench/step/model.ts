import { openAdapter } from '../../src/drivers/index.ts';
import { Device } from '../../src/engine/gpu/device.ts';
import type { Profile } from '../../src/engine/gpu/profile.ts';
import type { Recorded } from '../../src/engine/tape/record.ts';
import { RandomStream } from '../../src/engine/util/random.ts';
import type { TrainConfig } from '../../src/pix2pix/train/config/config.ts';
import { Pix2Pix, type StepOutputs } from '../../src/pix2pix/train/steps/pix2pix.ts';
import type { Timing } from '../measure.ts';
import { summary } from '../measure.ts';
import { timed } from '../peers/peer.ts';

/** GPU memory in bytes. */
export interface StepMemory {
  /** Weights, running statistics, Adam's averages, the batch. */
  state: number;
  /** All buffers while a step runs, and the peak. */
  bytes: number;
  peak: number;
  /** The lower bound for any plan: the state, and the most temporaries (gradients among them) alive at one time. */
  bound: number;
}

/** Where the time of a step goes, by the labels of its dispatches. */
export interface StepProfile {
  clock: Profile['clock'];
  groups: { label: string; milliseconds: number; dispatches: number }[];
}

/** A Pix2Pix in training, on its own device, so that the device's memory count is the model's. */
export class StepModel {
  readonly model: Pix2Pix;
  private readonly recorded: Recorded<StepOutputs>;
  private readonly state: number;
  private readonly batch: { real: Float32Array; condition: Float32Array };
  private readonly hostTimes: number[] = [];

  private constructor(model: Pix2Pix, recorded: Recorded<StepOutputs>, state: number) {
    this.model = model;
    this.recorded = recorded;
    this.state = state;
    const random = new RandomStream(5, model.config.seed);
    const values = (n: number) => Float32Array.from({ length: n }, () => random.uniform());
    this.batch = { real: values(model.real.size), condition: values(model.condition.size) };
  }

  /** @param initialise draw the weights; not needed if only the host's time matters */
  static async open(config: TrainConfig, initialise = true): Promise<StepModel> {
    const { adapter, description } = await openAdapter();
    const device = await Device.open(adapter, description);
    try {
      const model = new Pix2Pix(device, config, { initialise });
      const state = device.memory.bytes;
      return new StepModel(model, await model.prepare(), state);
    } catch (error) {
      device.destroy();
      throw error;
    }
  }

  /** Milliseconds of `times` steps, until the last is done. */
  train(times: number): Promise<number> {
    return timed(async () => {
      for (let i = 0; i < times; i++) {
        const start = performance.now();
        this.model.train(this.batch, 0);
        // Later steps may wait for the queue.
        if (i === 0) this.hostTimes.push(performance.now() - start);
      }
      // Wait as a training run does.
      await this.model.device.drain();
      this.model.device.throwIfBroken();
    });
  }

  /** Host milliseconds for submitting a step to an idle device, without the first few steps. */
  get host(): Timing {
    return summary(this.hostTimes.slice(Math.min(2, this.hostTimes.length - 1)));
  }

  get memory(): StepMemory {
    const { bytes, peak } = this.model.device.memory;
    return { state: this.state, bytes, peak, bound: this.state + (this.recorded.program.plan?.lowerBound ?? 0) };
  }

  get shaders(): number {
    return this.recorded.program.kernels.length;
  }

  get dispatches(): number {
    return this.recorded.program.dispatchCount;
  }

  /** Milliseconds and number of the dispatches under each label, the most costly first. */
  async groups(): Promise<StepProfile> {
    const { clock, dispatches } = await this.recorded.program.profile();
    const groups = new Map<string, { label: string; milliseconds: number; dispatches: number }>();
    for (const { label, milliseconds } of dispatches) {
      const group = groups.get(label) ?? { label, milliseconds: 0, dispatches: 0 };
      groups.set(label, group);
      group.milliseconds += milliseconds;
      group.dispatches++;
    }
    return { clock, groups: [...groups.values()].sort((a, b) => b.milliseconds - a.milliseconds) };
  }

  /** @throws Error if a loss of the last step is NaN: then the time means nothing. */
  async checkLosses(): Promise<void> {
    const [last] = await this.model.lossesSince(this.model.step - 1);
    for (const name of ['disc', 'gen'] as const) {
      if (!Number.isFinite(last?.[name]))
        throw new Error(`the ${name} loss of step ${this.model.step} is ${last?.[name]}`);
    }
  }

  close(): void {
    this.model.device.destroy();
  }
}
