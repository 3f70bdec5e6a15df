import { differentiable } from '../../tape/autograd.ts';
import { broadcastShape } from '../../tape/broadcast.ts';
import { type Backward, type Shape, sizeOf, Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { aBoolean, aTensor, checkArguments, checkOptions, optional } from '../arguments.ts';
import { sumTo } from '../shape/expand.ts';
import { viewOf } from '../shape/reshape.ts';
import { type Factor, product, sidesOf } from './product.ts';

export interface MatmulOptions {
  /** Take the transpose of each matrix of a, or b, without a copy. By default false. */
  transposeA?: boolean;
  transposeB?: boolean;
}

/**
 * Matrix product, as `torch.matmul`: (…, m, k) · (…, k, n) → (…, m, n). The axes before the last two are a batch, and
 * are broadcast. A tensor of one axis is a row on the left and a column on the right, and that axis is dropped from the
 * result; two of them give [1]. Gradients of any order.
 * @throws PixtapeError if the matrices do not fit each other, or the batches cannot be broadcast
 */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  checkArguments('matmul', { a: aTensor, b: aTensor }, { a, b });
  checkOptions('matmul', { transposeA: optional(aBoolean), transposeB: optional(aBoolean) }, options);
  const { transposeA = false, transposeB = false } = options;
  const left = { x: a.shape.length === 1 ? viewOf(a, [1, a.size]) : a, transposed: transposeA && a.shape.length > 1 };
  const right = { x: b.shape.length === 1 ? viewOf(b, [b.size, 1]) : b, transposed: transposeB && b.shape.length > 1 };
  const [, k] = sidesOf(left);
  const [other] = sidesOf(right);
  if (k !== other) {
    throw new PixtapeError(
      `matmul: ${a.label} [${a.shape}]${transposeA ? ', transposed,' : ''} has ${k} columns, ` +
        `${b.label} [${b.shape}]${transposeB ? ', transposed,' : ''} ${other} rows`,
      undefined,
      { details: { a: a.shape, b: b.shape } },
    );
  }
  const y = multiplied(left, right);
  const shape = y.shape.filter((_, axis) => {
    const fromLast = y.shape.length - axis;
    return !(fromLast === 2 && a.shape.length === 1) && !(fromLast === 1 && b.shape.length === 1);
  });
  return viewOf(y, shape.length > 0 ? shape : [1]);
}

/** Many matrices times one matrix on the right: their rows are the rows of a single matrix. */
function multiplied(a: Factor, b: Factor): Tensor {
  const isOne = ({ x }: Factor) => sizeOf(x.shape.slice(0, -2)) === 1;
  if (!isOne(b) || isOne(a) || a.transposed) return pairs(a, b);
  const [m, k] = sidesOf(a);
  const flat = { x: viewOf(a.x, [a.x.size / k, k]), transposed: false };
  const matrix = { x: viewOf(b.x, b.x.shape.slice(-2)), transposed: b.transposed };
  const y = pairs(flat, matrix);
  return viewOf(y, [...batchOf(a.x.shape, b.x.shape), m, y.shape[1] as number]);
}

const batchOf = (a: Shape, b: Shape) => {
  const batches = [a, b].map((shape) => ({ label: `a batch of [${shape}]`, shape: shape.slice(0, -2) }));
  return broadcastShape('matmul', batches);
};

function pairs(a: Factor, b: Factor): Tensor {
  const shape = [...batchOf(a.x.shape, b.x.shape), sidesOf(a)[0], sidesOf(b)[1]];
  const y = Tensor.activation(a.x.device, shape, 'matmul');
  product(a, b, y);
  const transpose = ({ x, transposed }: Factor): Factor => ({ x, transposed: !transposed });
  // Of op(a) · op(b): the gradient of op(a) is dy · op(b)ᵀ, and of a transposed a its transpose, op(b) · dyᵀ.
  const gradients = (dy: Tensor): [a: [Factor, Factor], b: [Factor, Factor]] => {
    const [plainDy, transposedDy] = [
      { x: dy, transposed: false },
      { x: dy, transposed: true },
    ];
    return [
      a.transposed ? [b, transposedDy] : [plainDy, transpose(b)],
      b.transposed ? [transposedDy, a] : [transpose(a), plainDy],
    ];
  };
  const backward: Backward = (dy, needs) =>
    gradients(dy).map((factors, i) => (needs[i] ? into(i === 0 ? a.x : b.x, factors, dy) : undefined));
  const graphBackward: Backward = (dy, needs) =>
    gradients(dy).map((factors, i) =>
      needs[i] ? sumTo(multiplied(...factors), (i === 0 ? a : b).x.shape) : undefined,
    );
  return differentiable(y, [a.x, b.x], backward, graphBackward);
}

/** A gradient, summed over the axes that were broadcast. */
function into(of: Tensor, [left, right]: [Factor, Factor], dy: Tensor): Tensor {
  const shape = [...dy.shape.slice(0, -2), ...of.shape.slice(-2)];
  const full = Tensor.temporary(of.device, shape, `matmul.${of.label}.grad`, of.dtype);
  product(left, right, full);
  return sumTo(full, of.shape);
}
