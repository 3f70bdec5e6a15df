import { type Shape, sizeOf, type Tensor } from '../../tape/tensor.ts';
import { add, mul, scale, sub } from '../elementwise/arithmetic.ts';
import { rsqrt } from '../elementwise/functions.ts';
import { sumTo } from '../shape/expand.ts';
import { viewOf } from '../shape/reshape.ts';

/** A norm for operations on the tape. */
export interface NormGraph {
  x: Tensor;
  weight: Tensor | undefined;
  bias: Tensor | undefined;
  /** The shapes in which x and its statistics are seen; the latter are 1 long along the axes that are averaged. */
  view: Shape;
  rows: Shape;
  /** The shape in which weight and bias are seen. */
  parameters: Shape;
  eps: number;
}

/**
 * The gradients of a norm of rows, composed of differentiable operations. They are slower than the kernels and compute
 * statistics in plain float32, but have gradients themselves.
 */
export function normGradients(
  { x, weight, bias, view, rows, parameters, eps }: NormGraph,
  dy: Tensor,
): { dx: Tensor; dweight: Tensor | undefined; dbias: Tensor | undefined } {
  const mean = (t: Tensor) => scale(sumTo(t, rows), sizeOf(rows) / sizeOf(view));
  const values = viewOf(x, view);
  const d = sub(values, mean(values));
  const inverse = rsqrt(add(mean(mul(d, d)), eps));
  const z = mul(d, inverse);
  const gy = viewOf(dy, view);
  const g = weight ? mul(gy, viewOf(weight, parameters)) : gy;
  const dx = mul(inverse, sub(sub(g, mean(g)), mul(z, mean(mul(g, z)))));
  return {
    dx: viewOf(dx, x.shape),
    dweight: weight && viewOf(sumTo(mul(gy, z), parameters), weight.shape),
    dbias: bias && viewOf(sumTo(gy, parameters), bias.shape),
  };
}

/** The gradients of a norm whose statistics do not depend on x; `mean` and `variance` have the shape `parameters`. */
export function fixedNormGradients(
  { x, weight, bias, parameters, eps }: Omit<NormGraph, 'view' | 'rows'> & { weight: Tensor; bias: Tensor },
  { mean, variance }: { mean: Tensor; variance: Tensor },
  dy: Tensor,
): { dx: Tensor; dweight: Tensor; dbias: Tensor } {
  const inverse = rsqrt(add(viewOf(variance, parameters), eps));
  const z = mul(sub(x, viewOf(mean, parameters)), inverse);
  return {
    dx: mul(dy, mul(viewOf(weight, parameters), inverse)),
    dweight: viewOf(sumTo(mul(dy, z), parameters), weight.shape),
    dbias: viewOf(sumTo(dy, parameters), bias.shape),
  };
}
