import { expect } from 'vitest';
import type { Device } from '../../../src/engine/gpu/device.ts';
import type { Dtype, Precision } from '../../../src/engine/gpu/storage.ts';
import { backward } from '../../../src/engine/tape/autograd.ts';
import { record } from '../../../src/engine/tape/record.ts';
import { Tensor } from '../../../src/engine/tape/tensor.ts';
import { fromHalf, toHalf } from '../../../src/engine/util/half.ts';
import { checkTwice } from './check_twice.ts';
import { at, dot, maxAbs, type NdArray, nd, sizeOf, uniform } from './nd.ts';
import type { OpRow, Problem } from './table_row.ts';

const RTOL = 1e-4;
const ATOL = 1e-5;
/** Step of the central differences: in float64 their error is about 1e-8, far below what float32 can resolve. */
const STEP = 1e-4;
/** Up to this many input values each has its own difference quotient; beyond it, random directions are used. */
const FULL_GRADIENT = 160;
/** Second derivatives are checked if no tensor has more values than this. */
const MOST_TWICE = 400;
/** Errors of rounding a value to a half: relative, and absolute near zero, where halves are sparse. */
const HALF = 2 ** -11;
const LEAST_HALF = 2 ** -25;

/**
 * Checks one operation on one problem against its reference: the result, the gradient of each input against central
 * differences, second derivatives if the row promises them, guard words; with `repeat`, a second run must give the same
 * bits. In precision f16 activations are rounded to halves beforehand, so that the reference computes from the same
 * numbers, and values stored as halves may be off by that rounding. A gradient may be off by twice that of the largest
 * gradient, or of the incoming ones, which are up to 1: it can depend on a stored activation (tanh: 1 − y²) or a stored
 * gradient (convolution with leaky ReLU).
 * @throws Error or AssertionError that says what is off
 */
export async function check(
  device: Device,
  row: OpRow,
  problem: Problem<unknown>,
  seed: number,
  repeat = false,
  precision: Precision = 'f32',
): Promise<void> {
  const random = uniform(seed);
  const rounded = (a: NdArray): NdArray => {
    return precision === 'f16' ? { shape: a.shape, data: Float64Array.from(halves(a)) } : a;
  };
  const inputs = problem.shapes.map((shape, i) => {
    const drawn = draw(row, random, shape, i, problem.args);
    return i < (row.activations ?? problem.shapes.length) ? rounded(drawn) : drawn;
  });
  const expected = row.reference(inputs, problem.args);
  const weights = rounded(nd(expected.shape, () => Math.fround(2 * random() - 1)));
  const { results, dtypes } = await runOnGpu(device, row, problem, inputs, weights, repeat, precision);
  const [y, ...grads] = results;
  const factor = row.tolerance ?? 1;
  compare('forward', y as Float32Array, expected, factor, { half: dtypes[0] === 'f16' });

  const loss = (arrays: NdArray[]) => dot(row.reference(arrays, problem.args), weights.data);
  inputs.forEach((input, i) => {
    const grad = grads[i];
    if (!(row.differentiable?.[i] ?? true)) return;
    if (!grad) throw new Error(`no gradient for input ${i}`);
    const along = (direction: (j: number) => number) => difference(inputs, i, direction, loss);
    if (input.data.length <= FULL_GRADIENT) {
      const quotients = nd(input.shape, (j) => along((k) => (k === j ? 1 : 0)));
      const more = { half: dtypes[i + 1] === 'f16', through: precision === 'f16' };
      compare(`gradient of input ${i}`, grad, quotients, factor, more);
      return;
    }
    expect(maxAbs(grad), `gradient of input ${i}`).toBeLessThan(Number.POSITIVE_INFINITY);
    for (let n = 0; n < 3; n++) {
      const signs = nd(input.shape, () => (random() < 0.5 ? -1 : 1));
      const want = along((j) => at(signs, j));
      const got = dot(signs, grad);
      // Rounding errors of many values add up like a random walk, hence the Euclidean norm.
      const norm = Math.hypot(...chunks(grad).map((part) => Math.hypot(...part)));
      const stored = precision === 'f16' ? 4 * HALF * norm : 0;
      const most = factor * (10 * RTOL * norm + ATOL * Math.max(1, Math.abs(want))) + stored;
      if (!(Math.abs(got - want) <= most)) {
        throw new Error(`gradient of input ${i} in direction ${n}: ${got}, by differences ${want} ± ${most}`);
      }
    }
  });
  const most = Math.max(...[...inputs, expected].map(({ data }) => data.length));
  if (row.twice && precision === 'f32' && most <= MOST_TWICE) {
    await checkTwice(device, row, problem, inputs, weights, random);
  }
}

function draw(row: OpRow, random: () => number, shape: number[], input: number, args: unknown): NdArray {
  const given = row.values?.(random, shape, input, args);
  return nd(shape, (j) => Math.fround(given ? (given[j] as number) : 4 * random() - 2));
}

/** The result and the gradient of each input (of Σ weights · result). Fails on broken guard words. */
async function runOnGpu(
  device: Device,
  row: OpRow,
  problem: Problem<unknown>,
  inputs: readonly NdArray[],
  weights: NdArray,
  repeat: boolean,
  precision: Precision,
): Promise<{ results: (Float32Array | undefined)[]; dtypes: (Dtype | undefined)[] }> {
  const leaf = ({ shape, data }: NdArray, label: string, dtype: Dtype) => {
    const tensor = Tensor.zeros(device, shape, label, dtype);
    tensor.write(Float32Array.from(data));
    return tensor;
  };
  const activations = row.activations ?? inputs.length;
  const leaves = inputs.map((input, i) => leaf(input, `input ${i}`, i < activations ? precision : 'f32'));
  leaves.forEach((leaf, i) => {
    leaf.requiresGrad = row.differentiable?.[i] ?? true;
  });
  const made = [...leaves];
  const body = () => {
    const y = row.run(leaves, problem.args);
    const seed = leaf(weights, 'weights', y.dtype);
    made.push(seed);
    expect(y.shape, 'shape of the result').toEqual(weights.shape);
    if (leaves.some((leaf) => leaf.requiresGrad)) backward(y, seed);
    return [y, ...leaves.map((leaf) => leaf.grad)];
  };
  const recorded = await record(device, body, { precision });
  try {
    const once = async () => {
      for (const t of recorded.outputs) {
        // Values that a kernel forgets to write stay NaN and fail the comparison.
        if (t && !t.storage.persistent) t.write(new Float32Array(t.size).fill(Number.NaN));
      }
      recorded.run();
      return Promise.all(recorded.outputs.map((t) => t?.read()));
    };
    const results = await once();
    if (repeat) expect(sameBits(results, await once()), 'the second run gives the same bits').toBe(true);
    expect(await recorded.program.brokenGuards(), 'tensors with a write out of bounds').toEqual([]);
    return { results, dtypes: recorded.outputs.map((t) => t?.dtype) };
  } finally {
    recorded.destroy();
    for (const t of made) t.dispose();
  }
}

/** The central difference quotient of `loss` when input `i` moves along a direction. */
function difference(
  inputs: readonly NdArray[],
  i: number,
  direction: (j: number) => number,
  loss: (inputs: NdArray[]) => number,
): number {
  const moved = (step: number) => {
    return loss(inputs.map((a, k) => (k === i ? nd(a.shape, (j) => at(a, j) + step * direction(j)) : a)));
  };
  return (moved(STEP) - moved(-STEP)) / (2 * STEP);
}

/** @param half whether it was stored as halves @param through whether it depends on something that was */
function compare(
  what: string,
  got: Float32Array,
  want: NdArray,
  factor: number,
  { half = false, through = false } = {},
): void {
  expect(got.length, `${what}: number of values`).toBe(sizeOf(want.shape));
  const most = maxAbs(want.data);
  const atol =
    factor * ATOL * Math.max(1, most) + (half ? LEAST_HALF : 0) + (through ? 2 * HALF * Math.max(1, most) : 0);
  const rtol = factor * RTOL + (half ? HALF : 0);
  want.data.forEach((value, i) => {
    const error = Math.abs((got[i] as number) - value);
    if (error <= atol + rtol * Math.abs(value)) return;
    throw new Error(`${what}: element ${i} of [${want.shape}] is ${got[i]}, expected ${value}`);
  });
}

const halves = ({ data }: NdArray): Float32Array => fromHalf(toHalf(Float32Array.from(data)));

function sameBits(a: readonly (Float32Array | undefined)[], b: readonly (Float32Array | undefined)[]): boolean {
  return a.every((x, i) => x === b[i] || (x && b[i] && Buffer.compare(bytes(x), bytes(b[i] as Float32Array)) === 0));
}

function bytes(a: Float32Array): Uint8Array {
  return new Uint8Array(a.buffer, a.byteOffset, a.byteLength);
}

/** In chunks that fit a call's arguments. */
function chunks(a: Float32Array): Float32Array[] {
  return Array.from({ length: Math.ceil(a.length / 4096) }, (_, i) => a.subarray(i * 4096, (i + 1) * 4096));
}
