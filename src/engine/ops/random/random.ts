import exponential from '../../../../shaders/elementwise/shared/exponential.wgsl';
import isNan from '../../../../shaders/elementwise/shared/is_nan.wgsl';
import trigonometry from '../../../../shaders/elementwise/shared/trigonometry.wgsl';
import philox from '../../../../shaders/random/philox.wgsl';
import source from '../../../../shaders/random/random.wgsl';
import type { Device } from '../../gpu/device.ts';
import { dispatchElements } from '../../tape/dispatch.ts';
import { type Shape, Tensor } from '../../tape/tensor.ts';
import { aList, aWholeNumber, checkArguments } from '../arguments.ts';
import { defaultRng, type Rng } from './rng.ts';

/**
 * Uniform random numbers in [0, 1). Every call within a program has its own numbers, and each run has new ones. The
 * same seed gives the same numbers on every device. Any shape.
 * @param rng by default the device's, which dropout uses, too
 */
export function rand(device: Device, shape: Shape, rng?: Rng): Tensor {
  return drawn('rand', device, shape, rng, false);
}

/** Random numbers from the normal distribution N(0, 1); otherwise as `rand`. */
export function randn(device: Device, shape: Shape, rng?: Rng): Tensor {
  return drawn('randn', device, shape, rng, true);
}

function drawn(name: string, device: Device, shape: Shape, rng: Rng = defaultRng(device), normal: boolean): Tensor {
  checkArguments(name, { shape: aList(aWholeNumber(1)) }, { shape });
  const layer = rng.nextLayer();
  const y = Tensor.temporary(device, shape, name);
  const text = [source, philox, exponential, isNan, trigonometry].join('\n');
  const kernel = device.kernel(name, text, 'main', { NORMAL: normal });
  dispatchElements(kernel, { key: rng.key, y }, { n: y.size, layer }, Math.ceil(y.size / 4));
  return y;
}
