import type { Device } from '../gpu/device.ts';
import { estimate, type MemoryEstimate } from './estimate.ts';
import { Gan } from './gan.ts';
import type { GanConfig } from './gan_config.ts';

/** What training a GAN takes; see `estimateTraining`. Apart from it, so that a page need not carry GANs. */
export function estimateGan(device: Device, config: GanConfig): Promise<MemoryEstimate> {
  return estimate(device, (paper) => {
    const model = new Gan(paper, config, { initialise: false });
    return async () => {
      await model.prepare();
      await model.sampler.prepare();
    };
  });
}
