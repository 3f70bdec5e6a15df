import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { Conv2d, ConvTranspose2d } from '../../../../src/engine/nn/layers.ts';
import { conv1d, convTranspose1d } from '../../../../src/engine/ops/conv/conv1d.ts';
import { conv2d, convTranspose2d } from '../../../../src/engine/ops/conv/conv2d.ts';
import { batchNorm } from '../../../../src/engine/ops/norm/batch_norm.ts';
import { groupNorm } from '../../../../src/engine/ops/norm/group_norm.ts';
import { instanceNorm } from '../../../../src/engine/ops/norm/instance_norm.ts';
import { layerNorm } from '../../../../src/engine/ops/norm/layer_norm.ts';
import { adaptiveAvgPool2d, avgPool2d, globalAvgPool } from '../../../../src/engine/ops/resample/avg_pool.ts';
import { maxPool2d } from '../../../../src/engine/ops/resample/max_pool.ts';
import { upsampleBicubic } from '../../../../src/engine/ops/resample/upsample_bicubic.ts';
import { upsampleBilinear } from '../../../../src/engine/ops/resample/upsample_bilinear.ts';
import { upsampleNearest } from '../../../../src/engine/ops/resample/upsample_nearest.ts';
import { pixelShuffle, pixelUnshuffle } from '../../../../src/engine/ops/shape/blocks/pixel_shuffle.ts';
import { record } from '../../../../src/engine/tape/record.ts';
import { Tensor } from '../../../../src/engine/tape/tensor.ts';
import { PixtapeError } from '../../../../src/engine/util/errors.ts';
import { closeTestDevice, openTestDevice } from '../../../device.ts';

let device: Device;

beforeAll(async () => {
  device = await openTestDevice();
});
afterAll(() => closeTestDevice(device));

/** Values that are not whole numbers of at least 0, or of at least 1. */
const NO_SIDES: [value: unknown, shown: RegExp][] = [
  [1.5, /1\.5/],
  ['2', /'2'/],
  [null, /null/],
  [Number.NaN, /NaN/],
  [Number.POSITIVE_INFINITY, /Infinity/],
  [-1, /-1/],
  [[1], /\[1\]/],
  [[1, 2, 3], /\[1, 2, 3\]/],
  [[1, 0.5], /\[1, 0.5\]/],
  [true, /true/],
];

/** Calls with any options, by the names of the operation and the options. */
type Call = (value: unknown) => unknown;

test('an option that is not such a number is refused with the names of operation and option, and its value', async () => {
  const zeros = (...shape: number[]) => Tensor.zeros(device, shape, 'x');
  const [x, w, line, lineW] = [zeros(1, 4, 8, 8), zeros(4, 4, 3, 3), zeros(1, 4, 8), zeros(4, 4, 3)];
  const any = <T>(value: unknown) => value as T;
  const calls: [operation: string, option: string, call: Call][] = [
    ...['stride', 'padding', 'dilation'].flatMap((option): [string, string, Call][] => [
      ['conv2d', option, (v) => conv2d(x, w, undefined, any({ [option]: v }))],
      ['convTranspose2d', option, (v) => convTranspose2d(x, w, undefined, any({ [option]: v }))],
      ['conv1d', option, (v) => conv1d(line, lineW, undefined, any({ [option]: v }))],
      ['convTranspose1d', option, (v) => convTranspose1d(line, lineW, undefined, any({ [option]: v }))],
    ]),
    ['conv2d', 'groups', (v) => conv2d(x, w, undefined, any({ groups: v }))],
    ['convTranspose2d', 'outputPadding', (v) => convTranspose2d(x, w, undefined, any({ outputPadding: v }))],
    ['maxPool2d', 'kernel', (v) => maxPool2d(x, any(v))],
    ['maxPool2d', 'stride', (v) => maxPool2d(x, 2, any(v))],
    ['maxPool2d', 'padding', (v) => maxPool2d(x, 2, 2, any(v))],
    ['avgPool2d', 'kernel', (v) => avgPool2d(x, any(v))],
    ['avgPool2d', 'stride', (v) => avgPool2d(x, 2, any(v))],
    ['avgPool2d', 'padding', (v) => avgPool2d(x, 2, 2, any(v))],
    ['adaptiveAvgPool2d', 'size', (v) => adaptiveAvgPool2d(x, any(v))],
    ['upsampleNearest', 'height', (v) => upsampleNearest(x, any(v), 4)],
    ['upsampleBilinear', 'width', (v) => upsampleBilinear(x, 4, any(v), true)],
    ['upsampleBicubic', 'width', (v) => upsampleBicubic(x, 4, any(v), true)],
    ['pixelShuffle', 'factor', (v) => pixelShuffle(x, any(v))],
    ['pixelUnshuffle', 'factor', (v) => pixelUnshuffle(x, any(v))],
    ['groupNorm', 'groups', (v) => groupNorm(x, any(v))],
  ];
  const recorded = await record(device, () => {
    for (const [operation, option, call] of calls) {
      for (const [value, shown] of NO_SIDES) {
        const error = thrown(() => call(value));
        expect(error, `${operation}: ${option} ${String(value)}`).toBeInstanceOf(PixtapeError);
        expect(error.message).toMatch(new RegExp(`^${operation}: ${option} is ${shown.source}; it must be`));
      }
    }
    return conv2d(x, w);
  });
  recorded.destroy();
});

function thrown(call: () => unknown): Error {
  try {
    call();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

test('unknown options, and channels, shapes and kinds that do not fit, are named', async () => {
  const zeros = (...shape: number[]) => Tensor.zeros(device, shape, 'x');
  const x = zeros(1, 4, 8, 8);
  const w = zeros(6, 2, 3, 3);
  const any = <T>(value: unknown) => value as T;
  const four = zeros(4);
  const batch = (options: unknown) => batchNorm(x, four, four, four, four, zeros(1), any(options));
  const refused: [() => unknown, RegExp][] = [
    [() => conv2d(x, w, undefined, any({ strides: 2 })), /conv2d: there is no option strides\n.*stride, padding, dil/],
    [() => conv2d(x, w, undefined, any(null)), /conv2d: the options are null; expected an object/],
    [() => conv2d(x, w, undefined, any(2)), /conv2d: the options are 2/],
    [() => conv2d(x, any([1])), /conv2d: weight is \[1\]; it must be a tensor/],
    [() => conv2d(x, w, any(0.5)), /conv2d: bias is 0.5; it must be a tensor/],
    [() => conv2d(x, w), /has 4 channels, the weight \[6,2,3,3\] takes 2/],
    [() => conv2d(x, w, undefined, { groups: 3 }), /has 4 channels, the weight .* takes 2 in each of 3 groups/],
    [() => conv2d(zeros(1, 8, 8, 8), w, undefined, { groups: 4 }), /gives 6 channels, not a multiple of groups 4/],
    [() => conv2d(x, w, zeros(4), { groups: 2 }), /the bias is \[4\]; expected 6 values/],
    [() => conv2d(x, w, zeros(2, 3), { groups: 2 }), /the bias is \[2,3\]/],
    [
      () => conv2d(x, w, undefined, { groups: 2, dilation: 5 }),
      /3 × 3 kernel, dilation 5, 5, is larger than the padded/,
    ],
    [() => conv2d(x, w, undefined, { groups: 2, slope: -0.1 }), /conv2d: slope is -0.1; it must be a finite number of/],
    [() => conv2d(zeros(4, 8, 8), w), /conv2d: the input is \[4,8,8\]; expected four sides/],
    [() => convTranspose2d(x, w), /has 4 channels, the weight \[6,2,3,3\] takes 6/],
    [
      () => convTranspose2d(zeros(1, 6, 4, 4), w, undefined, { groups: 4 }),
      /has 6 channels, not a multiple of groups 4/,
    ],
    [() => convTranspose2d(zeros(1, 6, 4, 4), w, undefined, { outputPadding: 1 }), /outputPadding 1, 1 must be less/],
    [() => convTranspose2d(zeros(1, 6, 4, 4), w, undefined, any({ slope: 0 })), /there is no option slope/],
    [() => conv1d(x, w), /conv1d: the input is \[1,4,8,8\]; expected three sides/],
    [() => conv1d(zeros(1, 4, 8), zeros(4, 4, 3), undefined, any({ stride: [1, 1] })), /conv1d: stride is \[1, 1\]/],
    [() => maxPool2d(x, 2, 2, 2), /padding 2, 2 must be at most half the kernel's 2, 2/],
    [() => avgPool2d(x, 9), /9 × 9 window is larger than the padded input \[1,4,8,8\]/],
    [() => avgPool2d(x, 2, 2, 0, any({ ceil: true })), /avgPool2d: there is no option ceil/],
    [() => avgPool2d(x, 2, 2, 0, any({ countIncludePad: 1 })), /countIncludePad is 1; it must be true or false/],
    [() => globalAvgPool(zeros(4, 4)), /globalAvgPool: the input is \[4,4\]; expected \(N, C, H, W\)/],
    [() => upsampleBicubic(x, 4, 4, any('yes')), /alignCorners is 'yes'; it must be true or false/],
    [() => upsampleNearest(zeros(1, 1, 2 ** 15, 1), 2 ** 15, 1), /beyond its exact arithmetic/],
    [() => pixelShuffle(x, 3), /4 channels, not a multiple of 3 × 3/],
    [() => pixelUnshuffle(x, 3), /sides of \[1,4,8,8\] are not multiples of 3/],
    [() => groupNorm(x, 3), /4 channels, not a multiple of groups 3/],
    [() => groupNorm(x, 2, zeros(2)), /groupNorm: weight is \[2\]; expected \[4\]/],
    [() => layerNorm(x, [8, 4]), /\[1,4,8,8\] does not end in the sides \[8,4\]/],
    [() => layerNorm(x, 8, undefined, zeros(4)), /layerNorm: bias is \[4\]; expected \[8\]/],
    [() => layerNorm(x, 8, undefined, undefined, any({ epsilon: 1 })), /layerNorm: there is no option epsilon/],
    [() => layerNorm(x, 8, undefined, undefined, { eps: -1 }), /layerNorm: eps is -1/],
    [() => instanceNorm(zeros(1, 4, 1, 1)), /one pixel per plane/],
    [() => instanceNorm(x, zeros(3)), /instanceNorm: weight is \[3\]; expected \[4\]/],
    [() => batch({}), /batchNorm: training is undefined; it must be true or false/],
    [() => batch({ training: true, momentum: 2 }), /batchNorm: momentum is 2/],
    [() => batch({ training: true, slopes: 2 }), /batchNorm: there is no option slopes/],
    [() => new Conv2d(device, 6, 4, 3, { groups: 4 }), /Conv2d: 6 channels are not a multiple of groups 4/],
    [() => new ConvTranspose2d(device, 4, 6, 3, { groups: 4 }), /ConvTranspose2d: 6 channels are not a multiple of/],
  ];
  const recorded = await record(device, () => {
    for (const [call, message] of refused) {
      expect(call, message.source).toThrow(PixtapeError);
      expect(call).toThrow(message);
    }
    return globalAvgPool(x);
  });
  recorded.destroy();
});

test('layers accept all options of their operations, and do not pass on their own', async () => {
  const x = Tensor.zeros(device, [2, 4, 9, 10], 'x');
  const recorded = await record(device, () => {
    const conv = new Conv2d(device, 4, 6, [3, 2], {
      groups: 2,
      dilation: [2, 1],
      stride: [1, 2],
      bias: false,
      seed: 7,
    });
    expect(conv.weight.shape).toEqual([6, 2, 3, 2]);
    expect(conv.fanIn).toBe(2 * 3 * 2);
    const turned = new ConvTranspose2d(device, 6, 4, 3, { groups: 2, dilation: 2, stride: 2, outputPadding: 1 });
    expect(turned.weight.shape).toEqual([6, 2, 3, 3]);
    const y = conv.forward(x);
    expect(y.shape).toEqual([2, 6, 5, 5]);
    expect(turned.forward(y).shape).toEqual([2, 4, 14, 14]);
    return y;
  });
  recorded.destroy();
});
