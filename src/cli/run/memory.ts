import type { Device } from '../../engine/gpu/device.ts';
import { PixtapeError } from '../../engine/util/errors.ts';
import type { TrainConfig } from '../../pix2pix/train/config/config.ts';
import { checkMemory, estimateTraining, type MemoryEstimate, size } from '../../pix2pix/train/memory/estimate.ts';

/**
 * Estimates the memory that training takes on `device`, before anything is allocated.
 * @throws PixtapeError with the estimate and what to reduce, with a size that would fit
 */
export async function checkTrainingMemory(device: Device, config: TrainConfig): Promise<MemoryEstimate> {
  const need = await estimateTraining(device, config);
  const free = device.memoryBudget - device.memory.bytes;
  const hint = need.total > free || need.obstacle !== undefined ? await reductions(device, config, need, free) : '';
  checkMemory(device, need, 'training this model', hint);
  return need;
}

/** Lists the flags to turn down, most effective first, with the first value of it that is enough by itself. */
async function reductions(device: Device, config: TrainConfig, need: MemoryEstimate, free: number): Promise<string> {
  const { generator, batch, width, height } = config;
  const flags = [
    `--ngf (${generator.hidden} now)`,
    `--batch_size (${batch} now)`,
    `--crop_size (${width}x${height} now)`,
  ];
  const weights = need.state + need.copy > need.temporaries;
  const ordered = weights ? flags : [...flags.slice(1), flags[0] as string];
  const halved = (n: number, times: number) => Math.floor(n / 2 ** times);
  for (let times = 1; halved(weights ? generator.hidden : batch, times) >= 1; times++) {
    const smaller = weights
      ? { ...config, generator: { ...generator, hidden: halved(generator.hidden, times) } }
      : { ...config, batch: halved(batch, times) };
    const less = await estimateTraining(device, smaller);
    if (less.total > free || less.obstacle !== undefined) continue;
    const value = weights ? `--ngf ${smaller.generator.hidden}` : `--batch_size ${smaller.batch}`;
    return `${ordered.join(', ')}; ${value} would take ${size(less)}`;
  }
  return ordered.join(', ');
}

/**
 * Allocates the weights and turns the driver's refusal into a PixtapeError: a GPU cannot be asked beforehand how much
 * memory is free.
 */
export async function withinMemory<T>(device: Device, need: MemoryEstimate, build: () => Promise<T>): Promise<T> {
  device.gpu.pushErrorScope('out-of-memory');
  const outcome = await build().then(
    (built) => ({ built }),
    (error: unknown) => ({ error }),
  );
  const refused = await device.gpu.popErrorScope();
  if (refused) {
    throw new PixtapeError(
      `out of memory on ${device.description}: training this model takes ${size(need)} (${refused.message})`,
      'Reduce --ngf, --batch_size or --crop_size, or close what else uses the GPU.',
    );
  }
  if ('error' in outcome) throw outcome.error;
  return outcome.built;
}
