import source from '../../../../shaders/reduce/reduce_sum.wgsl';
import { differentiable } from '../../tape/autograd.ts';
import { dispatchElements } from '../../tape/dispatch.ts';
import type { Tensor } from '../../tape/tensor.ts';
import { reduceSum } from './reduce_sum.ts';

/** Sum of all elements, shape [1], in a fixed order; its rounding error grows like log n. Any shape. */
export function sum(x: Tensor): Tensor {
  return summed('sum', x, 1);
}

/** Mean of all elements, shape [1]. Any shape. */
export function mean(x: Tensor): Tensor {
  return summed('mean', x, 1 / x.size);
}

function summed(label: string, x: Tensor, factor: number): Tensor {
  return differentiable(reduceSum(label, x, factor), [x], (dy) => {
    const dx = x.like(`${label}.dx`);
    dispatchElements(x.device.kernel('reduce_sum.backward', source, 'backward'), { dy, dx }, { n: x.size, factor });
    return [dx];
  });
}
