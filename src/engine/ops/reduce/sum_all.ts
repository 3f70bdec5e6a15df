import source from '../../../../shaders/reduce/reduce_sum.wgsl';
import { dispatch, split1d } from '../../tape/dispatch.ts';
import { Tensor } from '../../tape/tensor.ts';

/** Elements that one workgroup of a reduction turns into one. */
export const REDUCE_BLOCK = 4096;

/** Records factor · Σ x as a tensor of shape [1], with nothing on the tape: also the last stage of the losses. */
export function sumAll(label: string, x: Tensor, factor: number): Tensor {
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
