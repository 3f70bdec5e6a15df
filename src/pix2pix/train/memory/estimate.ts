import type { Device } from '../../../engine/gpu/device.ts';
import { dryRunDevice } from '../../../engine/gpu/dry_run.ts';
import { Rng } from '../../../engine/ops/random/rng.ts';
import { PixtapeError } from '../../../engine/util/errors.ts';
import { formatBytes } from '../../../engine/util/format.ts';
import { createGenerator, type NetworksConfig } from '../../models/networks.ts';
import type { TrainConfig } from '../config/config.ts';
import { Pix2Pix } from '../steps/pix2pix.ts';
import { Predictor } from '../steps/predictor.ts';

/** Estimated memory in bytes. */
export interface MemoryEstimate {
  /** Weights, running statistics, Adam's averages and the batch, which live from start to end. */
  state: number;
  /** Activations, gradients and workspace of the recorded programs, as planned. */
  temporaries: number;
  /** Host memory for reading and writing checkpoints; counted if the device shares the host's memory. */
  copy: number;
  total: number;
  /** Set if even the dry run failed: the reason. `total` is then a lower bound. */
  obstacle?: string;
}

/**
 * Estimates the memory of training on `device` by building the model and recording its step in a dry run. The result
 * is exact for the device, and nothing is allocated. Works for sizes that the device could never hold.
 * @throws PixtapeError if the configuration itself is at fault, as recording does
 */
export function estimateTraining(device: Device, config: TrainConfig): Promise<MemoryEstimate> {
  return estimate(device, (dry) => {
    const model = new Pix2Pix(dry, config, { initialise: false });
    return async () => {
      await model.prepare();
      // The program that predicts held-out pictures stays allocated, too.
      await model.predictor.program(config.batch, config.height, config.width);
      if (config.batch > 1) await model.predictor.program(1, config.height, config.width);
    };
  });
}

/** Estimates the memory of predicting one picture; see `estimateTraining`. */
export function estimatePrediction(
  device: Device,
  config: NetworksConfig,
  height: number,
  width: number,
): Promise<MemoryEstimate> {
  return estimate(device, (dry) => {
    const generator = createGenerator(dry, config, new Rng(dry, 0));
    return async () => void (await new Predictor(dry, generator).program(1, height, width));
  });
}

/** `build` allocates the permanent state, and returns a function that records the rest. */
export async function estimate(device: Device, build: (dry: Device) => () => Promise<void>): Promise<MemoryEstimate> {
  const dry = await dryRunDevice(device);
  try {
    return await measured(device, dry, build(dry));
  } catch (first) {
    // Too large for this device; a device without limits tells how large.
    const obstacle = whatStood(first);
    const endless = await dryRunDevice(device, { boundless: true });
    const record = build(endless);
    const state = endless.memory.bytes;
    try {
      const need = await measured(device, endless, record);
      // If there is enough memory, another limit is the obstacle, such as the size of a binding.
      return need.total <= freeMemory(device) ? { ...need, obstacle } : need;
    } catch (error) {
      // If it fails without limits, too, the configuration is at fault.
      if (error instanceof PixtapeError && whatStood(error) === obstacle) throw error;
      return { ...sum(device, state, 0), obstacle: whatStood(error) };
    }
  }
}

/** The message without its hint. */
const whatStood = (error: unknown): string => (error as Error).message.split('\n')[0] as string;

const freeMemory = (device: Device): number => device.memoryBudget - device.memory.bytes;

async function measured(device: Device, dry: Device, record: () => Promise<void>): Promise<MemoryEstimate> {
  const state = dry.memory.bytes;
  await record();
  return sum(device, state, dry.memory.peak - state);
}

function sum(device: Device, state: number, temporaries: number): MemoryEstimate {
  const copy = device.capabilities.cpu ? state : 0;
  return { state, temporaries, copy, total: state + temporaries + copy };
}

/**
 * Compares an estimate with the device's budget, before anything is allocated.
 * @param reduce a hint on what to reduce: e.g. "--ngf (512 now)"
 * @throws PixtapeError with the estimate, its parts and the hint
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
