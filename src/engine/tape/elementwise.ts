import copySource from '../../../shaders/elementwise/arithmetic/copy.wgsl';
import type { Device } from '../gpu/device.ts';
import type { Dtype } from '../gpu/storage.ts';
import { PixtapeError } from '../util/errors.ts';
import { mergedAxes } from './broadcast.ts';
import { dispatchElements } from './dispatch.ts';
import { type Access, type ElementOperation, elementwiseText, parseElementwise } from './elementwise_text.ts';
import { type Shape, sizeOf, Tensor } from './tensor.ts';

/** Operands by name: tensors, and numbers that are fixed when the program is recorded. */
export type Operands = Readonly<Record<string, Tensor | number>>;

export interface ElementwiseResult {
  shape: Shape;
  label: string;
  /** The type of a result of floats; by default f16 if an operand is. */
  dtype?: Dtype | undefined;
}

/** Axes that the strided loop supports. */
const MOST_AXES = 4;

/** y = x: fills with a number, or repeats a tensor. */
export const COPY = parseElementwise('copy', copySource);

/**
 * Records one function of an element-wise operation, with nothing on the tape. Uses those of `operands` that the
 * function's parameters name. Each is broadcast to the result's shape.
 * @throws PixtapeError if whole numbers are mixed with floats, or given where only floats are supported
 */
export function computeElementwise(
  device: Device,
  operation: ElementOperation,
  name: string,
  operands: Operands,
  { shape, label, dtype }: ElementwiseResult,
): Tensor {
  const fn = operation.functions.get(name);
  if (!fn) throw new Error(`${operation.name} has no function ${name}`);
  const given = fn.parameters.map((parameter) => {
    const operand = operands[parameter.name];
    if (operand === undefined) throw new Error(`${operation.name}: no operand ${parameter.name}`);
    return { ...parameter, operand };
  });
  const tensors = given.flatMap(({ operand }) => (operand instanceof Tensor ? [operand] : []));
  const whole = wholeDtype(operation.name, given);
  const half = tensors.some((t) => t.dtype === 'f16');
  const resultDtype = fn.result === 'T' && whole ? whole : (dtype ?? (half ? 'f16' : 'f32'));
  const spread = tensors.filter((t) => accessOf(t, shape) === 'strided');
  const axes =
    spread.length > 0
      ? mergedAxes(
          shape,
          tensors.map(({ shape }) => shape),
        )
      : []; // prettier
  if (axes.length > MOST_AXES) {
    const full = Object.entries(operands).map(([key, t]) => [key, t instanceof Tensor ? repeated(t, shape) : t]);
    return computeElementwise(device, operation, name, Object.fromEntries(full), { shape, label, dtype: resultDtype });
  }
  const result = Tensor.temporary(device, shape, label, resultDtype);
  const bindings: Record<string, Tensor> = { result };
  const params: Record<string, number> & { n: number } = { n: sizeOf(shape) };
  const described = given.map(({ name, type, operand }) => {
    if (!(operand instanceof Tensor)) {
      params[name] = operand;
      return { name, dtype: type === 'T' && whole ? whole : ('f32' as const), access: 'number' as const };
    }
    bindings[`${name}_in`] = operand;
    return { name, dtype: operand.dtype, access: accessOf(operand, shape) };
  });
  if (spread.length > 0) {
    const padded = [...Array<undefined>(MOST_AXES - axes.length), ...axes];
    padded.forEach((axis, k) => {
      if (k > 0) params[`size_${k}`] = axis?.length ?? 1;
      let i = 0;
      for (const { name, access } of described) {
        if (access === 'number') continue;
        if (access !== 'single') params[`${name}_${k}`] = axis?.strides[i] ?? 0;
        i++;
      }
    });
  }
  const text = elementwiseText(operation, fn, described, resultDtype);
  dispatchElements(device.kernel(name === 'f' ? operation.name : `${operation.name}.${name}`, text), bindings, params);
  return result;
}

/** x broadcast to `shape`; x itself if it has that shape. Nothing on the tape. */
export function repeated(x: Tensor, shape: Shape): Tensor {
  const missing = shape.length - x.shape.length;
  let y = new Tensor(x.device, [...Array<number>(missing).fill(1), ...x.shape], x.storage);
  // One run of axes at a time, so that there are never more than three: before, along and after it.
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (y.shape[axis] === shape[axis]) continue;
    let from = axis;
    while (from > 0 && y.shape[from - 1] === 1) from--;
    const next = [...y.shape.slice(0, from), ...shape.slice(from, axis + 1), ...y.shape.slice(axis + 1)];
    y = computeElementwise(x.device, COPY, 'f', { x: y }, { shape: next, label: 'expand' });
    axis = from;
  }
  return y;
}

function accessOf(x: Tensor, shape: Shape): Access {
  // The operand is broadcast to the shape. With equally many elements they differ only in axes of length 1.
  if (x.size === sizeOf(shape)) return 'same';
  return x.size === 1 ? 'single' : 'strided';
}

interface Given {
  name: string;
  type: 'T' | 'f32';
  operand: Tensor | number;
}

/** The type of the whole numbers in operands of type T; undefined if they are floats. */
function wholeDtype(operation: string, given: readonly Given[]): 'u32' | 'i32' | undefined {
  let first: Tensor | undefined;
  for (const { type, operand } of given) {
    if (!(operand instanceof Tensor)) continue;
    if (type === 'f32') {
      if (isWhole(operand)) throw mixed(`${operation}: ${operand.label} holds ${operand.dtype}; expected floats`);
      continue;
    }
    first ??= operand;
    const alike = isWhole(first) || isWhole(operand) ? first.dtype === operand.dtype : true;
    if (alike) continue;
    throw mixed(`${operation}: ${first.label} holds ${first.dtype}, ${operand.label} holds ${operand.dtype}`);
  }
  if (!first || !isWhole(first)) return undefined;
  for (const { type, operand } of given) {
    if (type === 'f32' || operand instanceof Tensor || Number.isInteger(operand)) continue;
    throw mixed(`${operation}: ${first.label} holds ${first.dtype}; ${operand} is not a whole number`);
  }
  return first.dtype as 'u32' | 'i32';
}

function isWhole({ dtype }: Tensor): boolean {
  return dtype === 'u32' || dtype === 'i32';
}

function mixed(message: string): PixtapeError {
  return new PixtapeError(message, 'Cast it first.');
}
