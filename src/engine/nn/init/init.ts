import { RandomStream } from '../../util/random.ts';
import { BatchNorm2d, Conv2d, ConvTranspose2d } from '../layers.ts';
import type { Module } from '../module.ts';
import { draw } from './fresh.ts';

export interface InitOptions {
  seed: number;
  /** Tells networks apart that share a seed. */
  stream: number;
  /** Mean of the batch-norm weights: 0 as the tutorial codes it, 1 as in the paper. */
  normMean: number;
  /**
   * Weights of convolutions: `normal` N(0, 0.02), as DCGAN, pix2pix and the tutorial have it, `he` N(0, 2 / fan_in), which
   * keeps a signal's size from one ReLU to the next (He et al. 2015). 0.02 does so for 5,000 inputs and shrinks it for
   * fewer; a norm behind every convolution mends that.
   */
  weights?: 'normal' | 'he';
  /** Biases of convolutions: PyTorch's default U(±1/√fan_in), as the tutorial leaves them, or 0, as the paper's code has it. */
  biases?: 'uniform' | 'zero';
}

/**
 * Draws weights as Pix2Pix starts with them, in the place of PyTorch's defaults, which every new layer has: convolutions
 * as `weights` and `biases` say, batch norm N(normMean, 0.02) with bias 0. Each tensor has its own stream, so that adding
 * a layer leaves the others' weights as they were.
 */
export function initWeights(
  network: Module,
  { seed, stream, normMean, weights = 'normal', biases = 'uniform' }: InitOptions,
): void {
  network.modules().forEach(([, module], index) => {
    const random = new RandomStream(seed, stream, index);
    if (module instanceof Conv2d || module instanceof ConvTranspose2d) {
      const deviation = weights === 'he' ? Math.sqrt(2 / module.fanIn) : 0.02;
      module.weight.write(draw(module.weight.size, () => deviation * random.normal()));
      const bound = biases === 'zero' ? 0 : 1 / Math.sqrt(module.fanIn);
      module.bias?.write(draw(module.bias.size, () => bound * (2 * random.uniform() - 1)));
    } else if (module instanceof BatchNorm2d) {
      module.weight.write(draw(module.weight.size, () => normMean + 0.02 * random.normal()));
      module.bias.write(new Float32Array(module.bias.size));
    }
  });
}
