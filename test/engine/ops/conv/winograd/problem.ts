import fc from 'fast-check';
import type { Device } from '../../../../../src/engine/gpu/device.ts';
import { conv2d } from '../../../../../src/engine/ops/conv/conv2d.ts';
import { backward } from '../../../../../src/engine/tape/autograd.ts';
import { record } from '../../../../../src/engine/tape/record.ts';
import { Tensor } from '../../../../../src/engine/tape/tensor.ts';
import { type NdArray, nd, uniform } from '../../nd.ts';
import type { OpRow, Problem } from '../../table_row.ts';
import { convolutions } from '../table_conv.ts';

/** Problems and errors of 3 × 3 convolutions of stride 1, for the variants of Winograd's algorithms. */

export function problem(x: number[], w: number[], bias: number | undefined, padding: number[]): Problem<unknown> {
  const args = { stride: [1, 1], padding, outputPadding: [0, 0] };
  return { shapes: bias === undefined ? [x, w] : [x, w, [bias]], args };
}

/** Odd sides, every padding, and at least this many channels. */
export function anyProblem(leastChannels: number): fc.Arbitrary<Problem<unknown>> {
  const side = fc.integer({ min: 3, max: 14 });
  const channels = fc.integer({ min: leastChannels, max: 20 });
  return fc
    .record({ n: fc.integer({ min: 1, max: 3 }), c: channels, o: channels, h: side, w: side, bias: fc.boolean() })
    .chain(({ n, c, o, h, w, bias }) =>
      fc.tuple(fc.nat(2), fc.nat(2)).map((padding): Problem<unknown> => {
        return problem([n, c, h, w], [o, c, 3, 3], bias ? o : undefined, padding);
      }),
    );
}

const [conv, , transposed] = convolutions as [OpRow, OpRow, OpRow];

/**
 * The largest error of a forward pass over `inC` channels and of its input gradient, each in units of its largest
 * value.
 */
export async function largestError(device: Device, inC: number): Promise<number> {
  const random = uniform(11);
  const draw = (shape: number[]) => nd(shape, () => Math.fround(2 * random() - 1));
  const [x, w, dy] = [draw([1, inC, 10, 9]), draw([inC, inC, 3, 3]), draw([1, inC, 10, 9])] as [
    NdArray,
    NdArray,
    NdArray,
  ];
  const leaf = (a: NdArray) => Tensor.from(device, a.shape, Float32Array.from(a.data), 'leaf');
  const input = leaf(x);
  input.requiresGrad = true;
  const recorded = await record(device, () => {
    const y = conv2d(input, leaf(w), undefined, { padding: 1 });
    backward(y, leaf(dy));
    return [y, input.grad as Tensor];
  });
  recorded.run();
  const [y, dx] = await Promise.all(recorded.outputs.map((t) => t.read()));
  const args = { stride: [1, 1], padding: [1, 1], outputPadding: [0, 0] };
  const off = (got: Float32Array, want: NdArray) => {
    const largest = want.data.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
    return want.data.reduce((a, v, i) => Math.max(a, Math.abs(v - (got[i] as number))), 0) / largest;
  };
  const errors = [
    off(y as Float32Array, conv.reference([x, w], args)),
    off(dx as Float32Array, transposed.reference([dy, w], args)),
  ];
  recorded.destroy();
  return Math.max(...errors);
}
