import type fc from 'fast-check';
import type { Tensor } from '../../../src/engine/tape/tensor.ts';
import type { NdArray } from './nd.ts';

export interface Problem<A> {
  /** One for each input. */
  shapes: number[][];
  args: A;
}

/** What the generic tests of `ops.test.ts` need to know of an operation. */
export interface OpRow<A = unknown> {
  name: string;
  /** Small random problems (at most a few hundred values): odd sizes and one-pixel sides included. */
  problem: fc.Arbitrary<Problem<A>>;
  /** A few that span several workgroups or tiles. */
  large?: Problem<A>[];
  run(inputs: Tensor[], args: A): Tensor;
  /** The forward in float64 on the CPU, written from the definition and not from the shader. */
  reference(inputs: NdArray[], args: A): NdArray;
  /** Input values; by default uniform in ±2. Must keep 0.001 away from kinks (relu, ties of a maximum). */
  values?(random: () => number, shape: readonly number[], input: number, args: A): number[];
  /** Whether `createGraph` is promised; then second derivatives are checked, too. */
  twice?: boolean;
  /** Whether all values of an input must differ. There are too few halves for large problems of that kind. */
  distinct?: boolean;
  /** Which inputs have a gradient; by default all. */
  differentiable?: boolean[];
  /** How many inputs are activations, which --precision f16 stores as halves; weights follow them. By default all. */
  activations?: number;
  /** Multiplies both tolerances, with the reason beside it. By default 1. */
  tolerance?: number;
}

/** Gives `args` its type within a row and hides it in the table. */
export function row<A>(definition: OpRow<A>): OpRow {
  return definition as OpRow;
}
