import addSource from '../../../shaders/elementwise/arithmetic/add.wgsl';
import scaleSource from '../../../shaders/elementwise/arithmetic/scale.wgsl';
import type { Program } from '../gpu/program.ts';
import { currentProgram } from './current.ts';
import { COPY, computeElementwise } from './elementwise.ts';
import { parseElementwise } from './elementwise_text.ts';
import { Tensor } from './tensor.ts';

/** The few kernels that differentiation itself needs. They leave nothing on the tape. */

export const ADD = parseElementwise('add', addSource);
export const SCALE = parseElementwise('scale', scaleSource);

/** Records y = value in every element, as a temporary of `like`'s shape. */
export function filled(like: Tensor, value: number, label: string): Tensor {
  return computeElementwise(like.device, COPY, 'f', { x: value }, { shape: like.shape, label, dtype: like.dtype });
}

const ones = new WeakMap<Program, Tensor>();

/** A one of y's shape, for a y of one value: a constant of the program, or filled in if y is f16. */
export function oneLike(y: Tensor): Tensor {
  if (y.dtype !== 'f32') return filled(y, 1, 'one');
  const program = currentProgram(y.device);
  let one = ones.get(program);
  if (!one) {
    const made = Tensor.lazy(y.device, [1], 'one', () => Float32Array.of(1));
    program.onDestroy(() => made.dispose());
    ones.set(program, made);
    one = made;
  }
  return new Tensor(y.device, y.shape, one.storage);
}

/** Records a + b, of one shape, stored like a. */
export function sumOf(a: Tensor, b: Tensor, label: string): Tensor {
  return computeElementwise(a.device, ADD, 'f', { a, b }, { shape: a.shape, label, dtype: a.dtype });
}

/** Records factor · x, stored like `like`. */
export function scaled(x: Tensor, factor: number, label: string, like = x): Tensor {
  return computeElementwise(x.device, SCALE, 'f', { x, factor }, { shape: x.shape, label, dtype: like.dtype });
}
