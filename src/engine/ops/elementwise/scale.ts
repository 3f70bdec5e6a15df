import source from '../../../../shaders/elementwise/scale.wgsl';
import { differentiable } from '../../tape/autograd.ts';
import { dispatchElements } from '../../tape/dispatch.ts';
import type { Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';

/**
 * A tensor times one number, which is fixed when the program is recorded. Any shape.
 * @throws PixtapeError if the number is not finite.
 */
export function scale(x: Tensor, factor: number): Tensor {
  if (!Number.isFinite(factor)) throw new PixtapeError(`scale: the factor is ${factor}; it must be a finite number`);
  return differentiable(scaled(x, factor, 'scale'), [x], (dy) => [scaled(dy, factor, 'scale.dx')]);
}

function scaled(x: Tensor, factor: number, label: string): Tensor {
  const y = x.like(label);
  dispatchElements(x.device.kernel('scale', source, 'forward'), { x, y }, { n: x.size, factor });
  return y;
}
