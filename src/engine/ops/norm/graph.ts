import { type Shape, sizeOf, type Tensor } from '../../tape/tensor.ts';
import { add, mul, scale, sub } from '../elementwise/arithmetic.ts';
import { rsqrt } from '../elementwise/functions.ts';
import { sumTo } from '../shape/expand.ts';
import { viewOf } from '../shape/reshape.ts';

/** A norm as operations on the tape see it. */
export interface NormGraph {
  x: Tensor;
  weight: Tensor | undefined;
  bias: Tensor | undefined;
  /** What x is seen as, and what its statistics are: of length 1 along the axes that are averaged over. */
  view: Shape;
  rows: Shape;
  /** What weight and bias are seen as. */
  parameters: Shape;
  eps: number;
}

/**
 * The gradients of a norm of rows, made of differentiable operations: slower than the kernels, with statistics as plain
 * float32 has them, but with gradients of their own.
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

/** The gradients of a norm by statistics that do not depend on x; `mean` and `variance` are seen as `parameters`. */
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
