import type { Device } from '../../src/engine/gpu/device.ts';
import { conv1d, convTranspose1d } from '../../src/engine/ops/conv/conv1d.ts';
import { conv2d, convTranspose2d } from '../../src/engine/ops/conv/conv2d.ts';
import { leakyRelu, relu, sigmoid, tanh } from '../../src/engine/ops/elementwise/activations.ts';
import { bceWithLogits, l1Loss, mseLoss } from '../../src/engine/ops/loss/losses.ts';
import { batchNorm } from '../../src/engine/ops/norm/batch_norm.ts';
import { groupNorm } from '../../src/engine/ops/norm/group_norm.ts';
import { instanceNorm } from '../../src/engine/ops/norm/instance_norm.ts';
import { layerNorm } from '../../src/engine/ops/norm/layer_norm.ts';
import type { Pair } from '../../src/engine/ops/pair.ts';
import { adaptiveAvgPool2d, avgPool2d } from '../../src/engine/ops/resample/avg_pool.ts';
import { maxPool2d } from '../../src/engine/ops/resample/max_pool.ts';
import { upsampleBicubic } from '../../src/engine/ops/resample/upsample_bicubic.ts';
import { upsampleBilinear } from '../../src/engine/ops/resample/upsample_bilinear.ts';
import { upsampleNearest } from '../../src/engine/ops/resample/upsample_nearest.ts';
import { pixelShuffle, pixelUnshuffle } from '../../src/engine/ops/shape/blocks/pixel_shuffle.ts';
import { Tensor } from '../../src/engine/tape/tensor.ts';

/** An operation of the files that tools/pytorch/python/fixture_sets/op_fixtures.py writes, with its arguments. */
export interface TorchCase {
  op: string;
  args: Record<string, unknown>;
}

interface Given {
  device: Device;
  x: Tensor;
  weight: Tensor | undefined;
  bias: Tensor | undefined;
  /** An input that must exist. */
  input: (name: string) => Tensor;
  args: Record<string, unknown>;
  number: (name: string) => number;
  pair: (name: string) => Pair;
}

const RUN: Record<string, (given: Given) => Tensor> = {
  conv1d: ({ x, input, bias, args }) => conv1d(x, input('weight'), bias, args),
  conv2d: ({ x, input, bias, args }) => conv2d(x, input('weight'), bias, args),
  conv_transpose1d: ({ x, input, bias, args }) => convTranspose1d(x, input('weight'), bias, args),
  conv_transpose2d: ({ x, input, bias, args }) => convTranspose2d(x, input('weight'), bias, args),
  batch_norm: ({ device, x, input, args }) => {
    const counter = Tensor.zeros(device, [1], 'num_batches_tracked');
    const state = [input('running_mean'), input('running_var')] as const;
    return batchNorm(x, input('weight'), input('bias'), ...state, counter, { training: args.training as boolean });
  },
  instance_norm: ({ x, weight, bias }) => instanceNorm(x, weight, bias),
  group_norm: ({ x, weight, bias, number }) => groupNorm(x, number('groups'), weight, bias),
  layer_norm: ({ x, weight, bias, number }) => layerNorm(x, x.shape.slice(-number('sides')), weight, bias),
  max_pool2d: ({ x, pair }) => maxPool2d(x, pair('kernel'), pair('stride'), pair('padding')),
  avg_pool2d: ({ x, pair, args }) => {
    const countIncludePad = args.countIncludePad as boolean;
    return avgPool2d(x, pair('kernel'), pair('stride'), pair('padding'), { countIncludePad });
  },
  adaptive_avg_pool2d: ({ x, number }) => adaptiveAvgPool2d(x, [number('height'), number('width')]),
  upsample_nearest: ({ x, number }) => upsampleNearest(x, number('height'), number('width')),
  upsample_bilinear: ({ x, number, args }) =>
    upsampleBilinear(x, number('height'), number('width'), args.alignCorners as boolean),
  upsample_bicubic: ({ x, number, args }) =>
    upsampleBicubic(x, number('height'), number('width'), args.alignCorners as boolean),
  pixel_shuffle: ({ x, number }) => pixelShuffle(x, number('factor')),
  pixel_unshuffle: ({ x, number }) => pixelUnshuffle(x, number('factor')),
  bce_with_logits: ({ x, number }) => bceWithLogits(x, number('target')),
  l1: ({ x, input }) => l1Loss(x, input('y')),
  mse: ({ x, input }) => mseLoss(x, input('y')),
  leaky_relu: ({ x }) => leakyRelu(x, 0.2),
  relu: ({ x }) => relu(x),
  sigmoid: ({ x }) => sigmoid(x),
  tanh: ({ x }) => tanh(x),
};

/** Records a case with its inputs by their names. */
export function runTorchCase(device: Device, { op, args }: TorchCase, inputs: ReadonlyMap<string, Tensor>): Tensor {
  const run = RUN[op];
  if (!run) throw new Error(`there is no operation ${op} here`);
  const input = (name: string) => {
    const found = inputs.get(name);
    if (!found) throw new Error(`${op} has no input ${name}`);
    return found;
  };
  const [weight, bias] = [inputs.get('weight'), inputs.get('bias')];
  const number = (name: string) => args[name] as number;
  const pair = (name: string) => args[name] as Pair;
  return run({ device, x: input('x'), weight, bias, input, args, number, pair });
}
