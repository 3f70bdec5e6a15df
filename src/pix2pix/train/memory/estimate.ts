import type { Device } from '../../../engine/gpu/device.ts';
import { dryRunDevice } from '../../../engine/gpu/dry_run.ts';
import { Rng } from '../../../engine/ops/random/rng.ts';
import { PixtapeError } from '../../../engine/util/errors.ts';
import { formatBytes } from '../../../engine/util/format.ts';
import { createGenerator, type NetworksConfig } from '../../models/networks.ts';
import type { TrainConfig } from '../config/config.ts';
import { Pix2Pix } from '../steps/pix2pix.ts';
import { Predictor } from '../steps/predictor.ts';

/** What a piece of work takes, in bytes. */
export interface MemoryEstimate {
  /** Weights, running statistics, Adam's averages and the batch: there from the start to the end. */
  state: number;
  /** Activations, gradients and workspace of the recorded programs, as the planner laid them out. */
  temporaries: number;
  /** Host memory for the state on its way into a checkpoint or out of it; counts where the device lives in it too. */
  copy: number;
  total: number;
  /** Where the work is too large even to be written down: what stood in the way. It takes more than `total` then. */
  obstacle?: string;
}

/**
 * What training with this configuration takes on `device`, found by building the model and recording its step on paper:
 * exact for the device, and nothing is allocated. Works for sizes that the device itself could never hold.
 * @throws PixtapeError where the configuration itself is at fault, as recording does.
 */
export function estimateTraining(device: Device, config: TrainConfig): Promise<MemoryEstimate> {
  return estimate(device, (paper) => {
    const model = new Pix2Pix(paper, config, { initialise: false });
    return async () => {
      await model.prepare();
      // What the held-out pictures are painted with stays as well.
      await model.predictor.program(config.batch, config.height, config.width);
      if (config.batch > 1) await model.predictor.program(1, config.height, config.width);
    };
  });
}

/** What painting one picture takes; see `estimateTraining`. */
export function estimatePrediction(
  device: Device,
  config: NetworksConfig,
  height: number,
  width: number,
): Promise<MemoryEstimate> {
  return estimate(device, (paper) => {
    const generator = createGenerator(paper, config, new Rng(paper, 0));
    return async () => void (await new Predictor(paper, generator).program(1, height, width));
  });
}

/** `build` makes what stays, and gives what records the rest. */
export async function estimate(device: Device, build: (paper: Device) => () => Promise<void>): Promise<MemoryEstimate> {
  const paper = await dryRunDevice(device);
  try {
    return await measured(device, paper, build(paper));
  } catch (first) {
    // Too large for this device in one piece; how large, only a device without limits can tell.
    const obstacle = whatStood(first);
    const endless = await dryRunDevice(device, { boundless: true });
    const record = build(endless);
    const state = endless.memory.bytes;
    try {
      const need = await measured(device, endless, record);
      // Where there is memory enough, something else is in the way, such as what a kernel can bind at once.
      return need.total <= freeMemory(device) ? { ...need, obstacle } : need;
    } catch (error) {
      // The same fault without any limit is the configuration's own.
      if (error instanceof PixtapeError && whatStood(error) === obstacle) throw error;
      return { ...sum(device, state, 0), obstacle: whatStood(error) };
    }
  }
}

/** The message without its hint, which is about training. */
const whatStood = (error: unknown): string => (error as Error).message.split('\n')[0] as string;

const freeMemory = (device: Device): number => device.memoryBudget - device.memory.bytes;

async function measured(device: Device, paper: Device, record: () => Promise<void>): Promise<MemoryEstimate> {
  const state = paper.memory.bytes;
  await record();
  return sum(device, state, paper.memory.peak - state);
}

function sum(device: Device, state: number, temporaries: number): MemoryEstimate {
  const copy = device.capabilities.cpu ? state : 0;
  return { state, temporaries, copy, total: state + temporaries + copy };
}

/**
 * Compares an estimate with what the device may take, before anything is allocated.
 * @param reduce what makes it smaller, as a hint: e.g. "--ngf (512 now)"
 * @throws PixtapeError that names the estimate, its parts and what to reduce.
 */
export function checkMemory(device: Device, need: MemoryEstimate, what: string, reduce: string): void {
  const free = freeMemory(device);
  if (need.total <= free) {
    if (need.obstacle === undefined) return;
    throw new PixtapeError(`${what} is too large to be run: ${need.obstacle}`, `Reduce ${reduce}.`);
  }
  const copy = need.copy > 0 ? `, ${formatBytes(need.copy)} for a copy while a checkpoint is written` : '';
  throw new PixtapeError(
    `not enough memory: ${what} takes ${size(need)} (${formatBytes(need.state)} for weights and their ` +
      `state, ${need.obstacle === undefined ? formatBytes(need.temporaries) : 'more'} for temporaries${copy}); ${formatBytes(free)} are free for ${device.description}`,
    `Nothing was allocated. Reduce ${reduce}.`,
  );
}

/** "3.1 GiB", or "more than 1.3 TiB". */
export const size = ({ total, obstacle }: MemoryEstimate): string =>
  `${obstacle === undefined ? '' : 'more than '}${formatBytes(total)}`;
