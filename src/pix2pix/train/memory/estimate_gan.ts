import type { Device } from '../../../engine/gpu/device.ts';
import type { GanConfig } from '../config/gan_config.ts';
import { Gan } from '../steps/gan.ts';
import { estimate, type MemoryEstimate } from './estimate.ts';

/** Estimates the memory of training a GAN; see `estimateTraining`. Separate, so that the page does not include GANs. */
export function estimateGan(device: Device, config: GanConfig): Promise<MemoryEstimate> {
  return estimate(device, (dry) => {
    const model = new Gan(dry, config, { initialise: false });
    return async () => {
      await model.prepare();
      await model.sampler.prepare();
    };
  });
}
