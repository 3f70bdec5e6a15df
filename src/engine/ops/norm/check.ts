import { type Shape, sameShape, type Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { aNumber, checkOptions, optional } from '../arguments.ts';

/** Added to the variance by default, as in PyTorch. */
export const EPS = 1e-5;

export interface NormOptions {
  /** Added to the variance, so that nothing is divided by 0; default 1e-5. */
  eps?: number;
}

export function checkNormOptions(op: string, options: NormOptions): void {
  checkOptions(op, { eps: optional(aNumber({ least: 0, finite: true })) }, options);
}

/** Batch, channels, and the sides of a plane. @throws PixtapeError if x has fewer than two sides */
export function channelsFirst(op: string, x: Tensor): [batch: number, channels: number, ...plane: number[]] {
  if (x.shape.length >= 2) return [...x.shape] as [number, number, ...number[]];
  throw new PixtapeError(`${op}: the input is [${x.shape}]; expected (N, C, …)`);
}

/** @throws PixtapeError if a weight or a bias has another shape */
export function checkParameter(op: string, name: string, t: Tensor | undefined, shape: Shape): void {
  if (!t || sameShape(t.shape, shape)) return;
  throw new PixtapeError(`${op}: ${name} is [${t.shape}]; expected [${shape}]`, undefined, {
    details: { operation: op, argument: name, shape: t.shape, wanted: shape },
  });
}
