import source from '../../../../shaders/lookup/embedding.wgsl';
import { differentiable } from '../../tape/autograd.ts';
import { dispatchElements } from '../../tape/dispatch.ts';
import { filled } from '../../tape/primitives.ts';
import { type Shape, Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { aTensor, checkArguments } from '../arguments.ts';
import { checkIndices } from './indices.ts';

/**
 * Selects rows of a matrix by index: indices (…), u32, and weight (rows, width) → (…, width). As
 * `torch.nn.functional.embedding`. An index beyond the last row gives NaN.
 *
 * The gradient adds up the rows of equal index in order: the same bits every time. Its time grows with the square of
 * the number of indices, which is little up to some ten thousand. Gradients of any order.
 * @throws PixtapeError if the indices are not u32 or the weight is not a matrix
 */
export function embedding(indices: Tensor, weight: Tensor): Tensor {
  checkArguments('embedding', { indices: aTensor, weight: aTensor }, { indices, weight });
  checkIndices('embedding', indices);
  if (weight.shape.length !== 2) {
    throw new PixtapeError(`embedding: the weight is [${weight.shape}]; expected (rows, width)`);
  }
  return rowsOf(indices, weight);
}

function rowsOf(indices: Tensor, weight: Tensor): Tensor {
  const [rows = 1, width = 1] = weight.shape;
  const y = Tensor.temporary(weight.device, [...indices.shape, width], 'embedding', weight.dtype);
  const kernel = weight.device.kernel('embedding', source, 'forward');
  dispatchElements(kernel, { index: indices, weight, y }, { n: y.size, count: indices.size, rows, width });
  const back = (dy: Tensor) => [scattered(indices, dy, weight.shape)];
  return differentiable(y, [weight], back, back);
}

/** For each row of the weight, the sum of its rows of dy. */
function scattered(indices: Tensor, dy: Tensor, shape: Shape): Tensor {
  const { device } = dy;
  const [rows = 1, width = 1] = shape;
  const params = { count: indices.size, rows, width };
  const links = Tensor.temporary(device, [indices.size, 2], 'embedding.links');
  const dw = filled(Tensor.temporary(device, shape, 'embedding.dw', dy.dtype), 0, 'embedding.dw');
  dispatchElements(
    device.kernel('embedding.link', source, 'link'),
    { index: indices, links },
    { n: indices.size, ...params },
  );
  const scatter = device.kernel('embedding.scatter', source, 'scatter');
  dispatchElements(scatter, { index: indices, chain: links, dy, dw }, { n: dy.size, ...params });
  const back = (ddw: Tensor) => [rowsOf(indices, ddw)];
  return differentiable(dw, [dy], back, back);
}
