import { expect } from 'vitest';
import type { Device } from '../../../src/engine/gpu/device.ts';
import { backward, grad } from '../../../src/engine/tape/autograd.ts';
import { record } from '../../../src/engine/tape/record.ts';
import { Tensor } from '../../../src/engine/tape/tensor.ts';
import { at, dot, maxAbs, type NdArray, nd } from './nd.ts';
import type { OpRow, Problem } from './table_row.ts';

const RTOL = 3e-4;
const ATOL = 3e-5;
/** Step of the differences of first differences: in float64 their error is about 1e-7. */
const STEP = 2e-4;
/** The most second derivatives that are compared one by one. */
const SINGLY = 24;

/**
 * Checks second derivatives against the reference. With L = Σ w · y, `grad(y, inputs, { seed: w, createGraph: true })`
 * gives the gradients gᵢ of L. s = Σ rᵢ · gᵢ for random rᵢ is L's derivative along r. So the gradients of s are
 * difference quotients of L: along r and x for the inputs, along r alone for w.
 */
export async function checkTwice(
  device: Device,
  row: OpRow,
  problem: Problem<unknown>,
  inputs: readonly NdArray[],
  weights: NdArray,
  random: () => number,
): Promise<void> {
  const given = inputs.map((_, i) => row.differentiable?.[i] ?? true);
  const directions = inputs.map((a, i) => nd(a.shape, () => (given[i] ? Math.fround(2 * random() - 1) : 0)));
  const { dx, dw, broken } = await onGpu(device, row, problem, inputs, weights, directions, given);
  expect(broken, 'tensors with a write out of bounds').toEqual([]);

  const y = (arrays: readonly NdArray[]) => row.reference([...arrays], problem.args);
  const loss = (arrays: readonly NdArray[]) => dot(y(arrays), weights.data);
  const factor = row.tolerance ?? 1;
  const [ahead, behind] = [1, -1].map((sign) => y(moved(inputs, directions, sign * STEP))) as [NdArray, NdArray];
  const along = nd(weights.shape, (i) => (at(ahead, i) - at(behind, i)) / (2 * STEP));
  const most = Math.max(1, maxAbs(along.data));
  along.data.forEach((want, i) => {
    const got = dw[i] as number;
    if (Math.abs(got - want) <= factor * (ATOL * most + RTOL * Math.abs(want))) return;
    throw new Error(`gradient of dy through the gradient: element ${i} is ${got}, by differences ${want}`);
  });

  inputs.forEach((input, i) => {
    if (!given[i]) return;
    const got = dx[i] as Float32Array;
    // One by one if there are few values, else along random signs, which would reveal a wrong one.
    const single = input.data.length <= SINGLY;
    const tries = single ? input.data.length : 3;
    const scale = Math.max(1, maxAbs(got));
    for (let n = 0; n < tries; n++) {
      const direction = nd(input.shape, (j) => (single ? Number(j === n) : random() < 0.5 ? -1 : 1));
      const zero = inputs.map((a, k) => (k === i ? direction : nd(a.shape, () => 0)));
      const corner = (a: number, b: number) => loss(moved(moved(inputs, directions, a * STEP), zero, b * STEP));
      const want = (corner(1, 1) - corner(1, -1) - corner(-1, 1) + corner(-1, -1)) / (4 * STEP * STEP);
      const have = dot(direction, got);
      const room = single ? 1 : Math.sqrt(input.data.length);
      if (Math.abs(have - want) <= factor * (ATOL * scale * room + RTOL * Math.abs(want))) continue;
      throw new Error(`second derivative of input ${i}, direction ${n}: ${have}, by differences ${want}`);
    }
  });
}

function moved(arrays: readonly NdArray[], directions: readonly NdArray[], step: number): NdArray[] {
  return arrays.map((a, i) => nd(a.shape, (j) => at(a, j) + step * at(directions[i] as NdArray, j)));
}

/** The gradients of s with respect to each input and to w. */
async function onGpu(
  device: Device,
  row: OpRow,
  problem: Problem<unknown>,
  inputs: readonly NdArray[],
  weights: NdArray,
  directions: readonly NdArray[],
  given: readonly boolean[],
) {
  const leaf = ({ shape, data }: NdArray, label: string) => Tensor.from(device, shape, Float32Array.from(data), label);
  const leaves = inputs.map((input, i) => leaf(input, `input ${i}`));
  const along = directions.map((direction, i) => leaf(direction, `direction ${i}`));
  const w = leaf(weights, 'weights');
  w.requiresGrad = true;
  leaves.forEach((tensor, i) => {
    tensor.requiresGrad = given[i] ?? false;
  });
  const recorded = await record(device, () => {
    const y = row.run(leaves, problem.args);
    const wanted = leaves.filter((_, i) => given[i]);
    const gradients = grad(y, wanted, { seed: w, createGraph: true });
    const seeds = along.filter((_, i) => given[i]);
    gradients.forEach((gradient, i) => {
      backward(gradient, seeds[i]);
    });
    return { dx: leaves.map((tensor) => tensor.grad), dw: w.grad };
  });
  try {
    recorded.run();
    const { dx, dw } = recorded.outputs;
    // An input in which the result is linear has no second derivative there.
    const read = (tensor: Tensor | undefined, like: NdArray) => tensor?.read() ?? new Float32Array(like.data.length);
    return {
      dx: await Promise.all(inputs.map((input, i) => read(dx[i], input))),
      dw: await read(dw, weights),
      broken: await recorded.program.brokenGuards(),
    };
  } finally {
    recorded.destroy();
    for (const tensor of [...leaves, ...along, w]) tensor.dispose();
  }
}
