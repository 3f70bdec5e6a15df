import source from '../../../../shaders/reduce/reduce_sum.wgsl';
import { differentiable } from '../../tape/autograd.ts';
import { dispatch, dispatchElements, split1d } from '../../tape/dispatch.ts';
import { Tensor } from '../../tape/tensor.ts';

/** Elements that one workgroup of a reduction turns into one. */
export const REDUCE_BLOCK = 4096;

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

/** Records factor · Σ x as a tensor of shape [1], with nothing on the tape: also the last stage of the losses. */
export function reduceSum(label: string, x: Tensor, factor: number): Tensor {
  const kernel = x.device.kernel('reduce_sum', source, 'forward');
  let from = x;
  for (;;) {
    const n = from.size;
    const blocks = Math.ceil(n / REDUCE_BLOCK);
    const y = Tensor.temporary(x.device, [blocks], label);
    dispatch(kernel, { x: from, y }, { n, factor: blocks === 1 ? factor : 1 }, split1d(blocks));
    if (blocks === 1) return y;
    from = y;
  }
}
