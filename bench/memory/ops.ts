import type { Device } from '../../src/engine/gpu/device.ts';
import { Adam } from '../../src/engine/nn/optim/adam.ts';
import { leakyRelu } from '../../src/engine/ops/elementwise/activations.ts';
import { batchNorm } from '../../src/engine/ops/norm/batch_norm.ts';
import { dropout } from '../../src/engine/ops/random/dropout.ts';
import { Rng } from '../../src/engine/ops/random/rng.ts';
import { maxPool2d } from '../../src/engine/ops/resample/max_pool.ts';
import { upsampleBilinear } from '../../src/engine/ops/resample/upsample_bilinear.ts';
import { centerCrop } from '../../src/engine/ops/shape/center_crop.ts';
import { concat } from '../../src/engine/ops/shape/concat.ts';
import { permute, transpose2d } from '../../src/engine/ops/shape/permute.ts';
import { Tensor } from '../../src/engine/tape/tensor.ts';

/** An operation that spends its time on memory traffic. */
export interface MemoryOp {
  name: string;
  /** Leaves that get a gradient, and the other inputs. */
  inputs: Tensor[];
  others?: Tensor[];
  /** Records it. Returns nothing if there is no backward to measure. */
  run(): Tensor | undefined;
  /** Floats that must move forward and backward, and the operations on them, for the plot. */
  moves: readonly [forward: number, backward: number];
  flops: readonly [forward: number, backward: number];
}

/**
 * The operations on one layer of `n` floats (64 channels; 64 × 256 × 256 on a CPU driver), each made on demand. `n` is a
 * power of two of at least 2^12. Every input and every output counts once, even if a kernel reads it twice. Batch norm
 * counts its inputs once for each of two passes, because it cannot normalise before it has seen everything.
 */
export function memoryOps(device: Device, n: number): (() => MemoryOp)[] {
  const channels = 64;
  const width = 2 ** Math.floor(Math.log2(n / channels) / 2);
  const height = n / channels / width;
  const shape = [1, channels, height, width];
  const leaf = (...sides: readonly number[]) => {
    const size = sides.reduce((a, b) => a * b, 1);
    return Tensor.from(device, sides, Float32Array.from({ length: size }, wave), 'leaf');
  };
  const nothing = [0, 0] as const;
  return [
    () => {
      const x = leaf(...shape);
      const [weight, bias, mean, variance] = [leaf(channels), leaf(channels), leaf(channels), leaf(channels)] as const;
      const tracked = Tensor.zeros(device, [1], 'tracked');
      const run = () => batchNorm(x, weight, bias, mean, variance, tracked, { training: true });
      const others = [weight, bias, mean, variance, tracked];
      return { name: 'batch norm', inputs: [x], others, run, moves: [3 * n, 5 * n], flops: [6 * n, 9 * n] };
    },
    () => {
      const x = leaf(1, channels, height / 2, width / 2);
      const run = () => upsampleBilinear(x, height, width, true);
      return { name: 'upsample ×2', inputs: [x], run, moves: [1.25 * n, 1.25 * n], flops: [8 * n, 8 * n] };
    },
    () => {
      const x = leaf(...shape);
      // It stores the position of each maximum, four bytes each.
      const moves = [1.5 * n, 1.5 * n] as const;
      return { name: 'max-pool 2×2', inputs: [x], run: () => maxPool2d(x, 2), moves, flops: [n, 0] };
    },
    () => {
      const x = leaf(...shape);
      const rng = new Rng(device, 5);
      return { name: 'dropout', inputs: [x], run: () => dropout(x, 0.5, rng), moves: [2 * n, 2 * n], flops: [n, n] };
    },
    () => {
      const x = leaf(...shape);
      return { name: 'leaky ReLU', inputs: [x], run: () => leakyRelu(x, 0.2), moves: [2 * n, 3 * n], flops: [n, n] };
    },
    () => {
      const inputs = [leaf(1, channels / 2, height, width), leaf(1, channels / 2, height, width)];
      return { name: 'concat', inputs, run: () => concat(inputs), moves: [2 * n, 2 * n], flops: nothing };
    },
    () => {
      const x = leaf(...shape);
      const left = channels * (height - 1) * (width - 1);
      const run = () => centerCrop(x, height - 1, width - 1);
      return { name: 'crop', inputs: [x], run, moves: [2 * left, left + n], flops: nothing };
    },
    () => {
      const x = leaf(...shape);
      const run = () => permute(x, [0, 2, 3, 1]);
      return { name: 'permute NCHW→NHWC', inputs: [x], run, moves: [2 * n, 2 * n], flops: nothing };
    },
    () => {
      const x = leaf(height, channels * width);
      return { name: 'transpose', inputs: [x], run: () => transpose2d(x), moves: [2 * n, 2 * n], flops: nothing };
    },
    () => {
      const weight = leaf(n);
      weight.grad = leaf(n);
      const adam = new Adam(device, [weight]);
      const others = [weight.grad, ...[...adam.state().values()].flat()];
      const run = () => void adam.step();
      return { name: 'Adam', inputs: [weight], others, run, moves: [7 * n, 0], flops: [12 * n, 0] };
    },
  ];
}

/** Values of both signs. */
function wave(_: unknown, i: number): number {
  return ((i * 37) % 101) / 50 - 1;
}
