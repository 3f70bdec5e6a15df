import { expect } from 'vitest';
import type { Device } from '../../../../../src/engine/gpu/device.ts';
import type { ConvDirection } from '../../../../../src/engine/ops/conv/algorithm.ts';
import { type ConvGeometry, positions } from '../../../../../src/engine/ops/conv/geometry.ts';
import { parseChoice } from '../../../../../src/engine/ops/conv/tuning/registry.ts';
import { record } from '../../../../../src/engine/tape/record.ts';
import { Tensor } from '../../../../../src/engine/tape/tensor.ts';
import { fromHalf, toHalf } from '../../../../../src/engine/util/half.ts';
import { uniform } from '../../nd.ts';

interface Sizes {
  batch?: number;
  inC: number;
  outC: number;
  inH: number;
  inW: number;
  kernel: number;
  stride?: number;
  pad?: number;
  dilation?: number;
  groups?: number;
}

export function geometry({ batch = 2, inC, outC, inH, inW, kernel, groups = 1, ...more }: Sizes): ConvGeometry {
  const { stride = 1, pad = 0, dilation = 1 } = more;
  const outH = positions(inH, kernel, stride, pad, dilation);
  const outW = positions(inW, kernel, stride, pad, dilation);
  const kernels = { kernelH: kernel, kernelW: kernel, strideH: stride, strideW: stride, padH: pad, padW: pad };
  return { batch, inC, inH, inW, outC, outH, outW, ...kernels, dilationH: dilation, dilationW: dilation, groups };
}

export const DIRECTIONS: readonly ConvDirection[] = ['forward', 'inputGradient', 'weightGradient'];

const halves = (values: Float32Array): Float32Array => fromHalf(toHalf(values));

/** The results of one choice's kernels for the same halves, by name. */
async function computed(
  device: Device,
  choice: string,
  g: ConvGeometry,
  direction: ConvDirection,
): Promise<Record<string, Float32Array>> {
  const random = uniform(7);
  const leaf = (shape: number[]) => {
    const tensor = Tensor.zeros(device, shape, 'leaf');
    tensor.write(halves(Float32Array.from({ length: tensor.size }, () => 2 * random() - 1)));
    return tensor;
  };
  const x = leaf([g.batch, g.inC, g.inH, g.inW]);
  const w = leaf([g.outC, g.inC / g.groups, g.kernelH, g.kernelW]);
  const y = leaf([g.batch, g.outC, g.outH, g.outW]);
  const [bias, into] = [leaf([g.outC]), leaf([g.inC])];
  const { kernels } = parseChoice(choice);
  const recorded = await record(device, () => {
    const made: Record<string, Tensor> = {};
    if (direction === 'forward') {
      made.plain = y.like('y');
      made.finished = y.like('y');
      kernels.forward(g, x, w, undefined, made.plain);
      kernels.forward(g, x, w, bias, made.finished, 0.2);
    } else if (direction === 'inputGradient') {
      made.plain = x.like('dx');
      made.finished = x.like('dx');
      kernels.inputGradient(g, y, w, undefined, made.plain);
      kernels.inputGradient(g, y, w, into, made.finished);
      if (kernels.inputGradientBehind) {
        made.behind = x.like('dx');
        kernels.inputGradientBehind(g, y, w, made.behind, x, 0.2);
      }
      if (kernels.inputGradientOnTop) {
        made.onTop = x.like('dx');
        kernels.inputGradientOnTop(g, y, w, made.onTop, x);
      }
    } else {
      made.plain = w.like('dw');
      kernels.weightGradient(g, x, y, made.plain);
      if (kernels.weightAndBiasGradient) {
        made.together = w.like('dw');
        made.bias = kernels.weightAndBiasGradient(g, x, y, made.together);
      }
    }
    return made;
  });
  for (const tensor of Object.values(recorded.outputs)) tensor.write(new Float32Array(tensor.size).fill(Number.NaN));
  recorded.run();
  const entries = await Promise.all(
    Object.entries(recorded.outputs).map(async ([name, tensor]) => [name, await tensor.read()] as const),
  );
  expect(await recorded.program.brokenGuards(), 'writes out of bounds').toEqual([]);
  recorded.destroy();
  return Object.fromEntries(entries);
}

/**
 * Compares choices with `gemm`, which computes the same in floats: products of halves are exact, and sums differ by
 * rounding.
 *
 * @param plain a device without a disguise: on CPUs `gemm` has a form that compiles faster
 */
export async function compareWithGemm(
  plain: Device,
  device: Device,
  g: ConvGeometry,
  direction: ConvDirection,
  choices: readonly string[],
): Promise<void> {
  const expected = await computed(plain, 'gemm 32x32', g, direction);
  for (const choice of choices) {
    const found = await computed(device, choice, g, direction);
    expect(Object.keys(found)).toEqual(Object.keys(expected));
    for (const [name, values] of Object.entries(expected)) {
      const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const off = values.map((value, i) => Math.abs(value - (found[name]?.[i] as number)));
      expect(Math.max(...off), `${choice}: ${name}`).toBeLessThan(1e-5 * largest);
    }
  }
}

/** Problems with their distinguishing feature. */
export const CASES = {
  'whole passes, vectors from memory, padding': geometry({ inC: 16, outC: 70, inH: 8, inW: 12, kernel: 3, pad: 1 }),
  'no zeros at all': geometry({ inC: 32, outC: 33, inH: 8, inW: 9, kernel: 1 }),
  'passes that go beyond the depth, a stride': geometry({
    ...{ inC: 5, outC: 19, inH: 9, inW: 11, kernel: 3 },
    ...{ stride: 2, pad: 2 },
  }),
  'a stride of 3 over taps 2 apart': geometry({
    ...{ inC: 3, outC: 9, inH: 17, inW: 14, kernel: 3 },
    ...{ stride: 3, pad: 2, dilation: 2 },
  }),
  'groups, one product each, long sums split': geometry({
    ...{ inC: 120, outC: 57, inH: 7, inW: 6, kernel: 3 },
    ...{ stride: 2, pad: 1, groups: 3 },
  }),
} satisfies Record<string, ConvGeometry>;
