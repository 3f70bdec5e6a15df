import { RandomStream } from '../../util/random.ts';
import { BatchNorm2d, Conv2d, ConvTranspose2d } from '../layers.ts';
import type { Module } from '../module.ts';
import { draw } from './fresh.ts';

export interface InitOptions {
  seed: number;
  /** Distinguishes networks that share a seed. */
  stream: number;
  /** Mean of the batch-norm weights: 0 in the tutorial's code, 1 in the paper. */
  normMean: number;
  /**
   * Weights of convolutions. `normal`: N(0, 0.02), as in DCGAN, pix2pix and the tutorial. `he`: N(0, 2 / fan_in), which
   * preserves a signal's size from one ReLU to the next (He et al. 2015). 0.02 does that for a fan-in of 5,000; with a
   * smaller one the signal shrinks, and a norm after every convolution corrects that.
   */
  weights?: 'normal' | 'he';
  /** Biases of convolutions: PyTorch's default U(±1/√fan_in), as in the tutorial, or 0, as in the paper's code. */
  biases?: 'uniform' | 'zero';
}

/**
 * Draws Pix2Pix's initial weights in place of PyTorch's defaults: convolutions as `weights` and `biases` say, batch
 * norm N(normMean, 0.02) with bias 0. Each tensor has its own random stream, so that adding a layer leaves the others
 * unchanged.
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
