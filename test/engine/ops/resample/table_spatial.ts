import fc from 'fast-check';
import { ssimLoss } from '../../../../src/engine/ops/loss/ssim.ts';
import { type Blocks, spaceToDepth } from '../../../../src/engine/ops/shape/blocks/space_to_depth.ts';
import { centerCrop } from '../../../../src/engine/ops/shape/center_crop.ts';
import { concat, concatCropped } from '../../../../src/engine/ops/shape/concat.ts';
import { permute, transpose2d } from '../../../../src/engine/ops/shape/permute.ts';
import type { Tensor } from '../../../../src/engine/tape/tensor.ts';
import { at, type NdArray, nd, sizeOf, total } from '../nd.ts';
import { type OpRow, type Problem, row } from '../table_row.ts';

export type Four = [number, number, number, number];

export const side = (max: number) => fc.oneof(fc.constant(1), fc.integer({ min: 1, max }));
/** (N, C, H, W), each side at least 1, no more than a few hundred values. */
export const pictures: fc.Arbitrary<Four> = fc.tuple(side(3), side(3), side(7), side(7));

export function four(shape: readonly number[]): Four {
  if (shape.length !== 4) throw new Error(`[${shape}] are not four sides`);
  return shape as Four;
}

/** A result whose element [n, c, i, j] is f(plane number of n and c, i, j). */
export function planes([n, c, h, w]: Four, f: (plane: number, row: number, col: number) => number): NdArray {
  return nd([n, c, h, w], (at) => f(Math.floor(at / (h * w)), Math.floor(at / w) % h, at % w));
}

/** Half the difference, a half rounded to the even neighbour: Python's round, which torchvision uses. */
function offset(from: number, to: number): number {
  const half = (from - to) / 2;
  const below = Math.floor(half);
  return half === below ? below : below % 2 === 0 ? below : below + 1;
}

/** 1 − SSIM from its definition: each window's moments with all 121 weights. */
function dissimilarity(a: NdArray, b: NdArray, [low, high]: readonly [number, number]): NdArray {
  const [n, c, h, w] = four(a.shape);
  const unit = (x: NdArray, i: number) => (at(x, i) - low) / (high - low);
  const weights = Array.from({ length: 121 }, (_, i) => {
    return Math.exp(-((Math.floor(i / 11) - 5) ** 2 + ((i % 11) - 5) ** 2) / 4.5);
  });
  const all = weights.reduce((s, v) => s + v, 0);
  const windows = planes([n, c, h - 10, w - 10], (plane, row, col) => {
    const mean = (f: (x: number, y: number) => number) =>
      weights.reduce((s, weight, i) => {
        const pixel = (plane * h + row + Math.floor(i / 11)) * w + col + (i % 11);
        return s + (weight / all) * f(unit(a, pixel), unit(b, pixel));
      }, 0);
    const [mx, my] = [mean((x) => x), mean((_, y) => y)];
    const variances = mean((x, y) => (x - mx) ** 2 + (y - my) ** 2);
    const covariance = mean((x, y) => (x - mx) * (y - my));
    const [c1, c2] = [0.01 ** 2, 0.03 ** 2];
    return 1 - ((2 * mx * my + c1) * (2 * covariance + c2)) / ((mx * mx + my * my + c1) * (variances + c2));
  });
  return total(windows, 1 / windows.data.length);
}

const someSides = fc.oneof(
  fc.array(side(6), { minLength: 1, maxLength: 4 }),
  fc.array(side(3), { minLength: 5, maxLength: 6 }),
);

const anyOrder = someSides.chain((shape) => {
  const axes = shape.map((_, i) => i);
  const order = fc.shuffledSubarray(axes, { minLength: axes.length });
  return fc.record({ shapes: fc.constant<number[][]>([shape]), args: fc.record({ axes: order }) });
});

function permuted(x: NdArray, axes: readonly number[]): NdArray {
  const strides = x.shape.map((_, i) => sizeOf(x.shape.slice(i + 1)));
  const shape = axes.map((axis) => x.shape[axis] as number);
  return nd(shape, (i) => {
    let left = i;
    let from = 0;
    for (let k = axes.length - 1; k >= 0; k--) {
      const length = shape[k] as number;
      from += (left % length) * (strides[axes[k] as number] as number);
      left = Math.floor(left / length);
    }
    return at(x, from);
  });
}

type BlockArgs = Blocks & { height: number; width: number };

/** More and fewer blocks than cover the picture. */
const blocks: fc.Arbitrary<Problem<BlockArgs>> = fc
  .record({
    shape: pictures,
    stride: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
    padding: fc.tuple(fc.nat(2), fc.nat(2)),
    height: fc.integer({ min: 1, max: 5 }),
    width: fc.integer({ min: 1, max: 5 }),
  })
  .map(({ shape, ...args }) => ({ shapes: [shape], args }));

export const spatial: OpRow[] = [
  row<{ range: [number, number] }>({
    name: 'ssim_loss',
    problem: fc.record({
      shapes: fc
        .tuple(side(2), side(2), fc.integer({ min: 11, max: 15 }), fc.integer({ min: 11, max: 16 }))
        .map((shape) => [shape, shape]),
      args: fc.record({ range: fc.constantFrom<[number, number]>([0, 1], [-1, 1]) }),
    }),
    large: [
      {
        shapes: [
          [2, 3, 33, 38],
          [2, 3, 33, 38],
        ],
        args: { range: [0, 1] },
      },
    ],
    run: ([a, b], { range }) => ssimLoss(a as Tensor, b as Tensor, range),
    reference: ([a, b], { range }) => dissimilarity(a as NdArray, b as NdArray, range),
    // Alike in the coarse and not in the fine.
    values: (random, shape, _, { range: [low, high] }) =>
      Array.from({ length: sizeOf(shape) }, (_, i) => low + (high - low) * (i % 5 < 2 ? 0.3 : 0.6 + 0.3 * random())),
    differentiable: [true, false],
  }),
  row<BlockArgs>({
    name: 'space_to_depth',
    twice: true,
    problem: blocks,
    large: [
      { shapes: [[2, 3, 67, 90]], args: { stride: [2, 2], padding: [1, 1], height: 34, width: 46 } },
      { shapes: [[400, 3, 4, 4]], args: { stride: [2, 2], padding: [0, 0], height: 2, width: 2 } },
    ],
    run: ([x], { height, width, ...args }) => spaceToDepth(x as Tensor, height, width, args),
    reference: ([x], { height, width, stride: [sh, sw], padding: [ph, pw] }) => {
      const input = x as NdArray;
      const [n, c, h, w] = four(input.shape);
      return planes([n, c * sh * sw, height, width], (plane, i, j) => {
        const [row, col] = [i * sh + (Math.floor(plane / sw) % sh) - ph, j * sw + (plane % sw) - pw];
        const inside = row >= 0 && row < h && col >= 0 && col < w;
        return inside ? at(input, (Math.floor(plane / (sh * sw)) * h + row) * w + col) : 0;
      });
    },
  }),
  row({
    name: 'concat',
    twice: true,
    problem: fc.tuple(pictures, fc.array(side(4), { minLength: 1, maxLength: 4 })).map(([[n, , h, w], channels]) => {
      return { shapes: channels.map((c) => [n, c, h, w]), args: null };
    }),
    large: [
      {
        shapes: [
          [3, 2, 67, 45],
          [3, 5, 67, 45],
          [3, 1, 67, 45],
        ],
        args: null,
      },
      {
        shapes: [
          [300, 3, 5, 1],
          [300, 4, 5, 1],
        ],
        args: null,
      },
    ],
    run: (parts) => concat(parts),
    reference: (parts) => {
      const [n, , h, w] = four((parts[0] as NdArray).shape);
      const channels = parts.map((part) => part.shape[1] as number);
      const whole = channels.reduce((a, b) => a + b, 0);
      return planes([n, whole, h, w], (plane, i, j) => {
        let c = plane % whole;
        const part = channels.findIndex((own) => {
          if (c < own) return true;
          c -= own;
          return false;
        });
        const before = Math.floor(plane / whole) * (channels[part] as number) + c;
        return at(parts[part] as NdArray, (before * h + i) * w + j);
      });
    },
  }),
  row({
    name: 'concat_cropped',
    twice: true,
    problem: fc.tuple(pictures, side(4), side(3), side(3)).map(([[n, c, h, w], more, rows, cols]) => {
      return {
        shapes: [
          [n, c, h, w],
          [n, more, h + rows - 1, w + cols - 1],
        ],
        args: null,
      };
    }),
    large: [
      {
        shapes: [
          [2, 5, 63, 95],
          [2, 3, 64, 96],
        ],
        args: null,
      },
      {
        shapes: [
          [1, 200, 5, 7],
          [1, 300, 8, 7],
        ],
        args: null,
      },
    ],
    run: ([x, skip]) => concatCropped(x as Tensor, skip as Tensor),
    reference: ([x, skip]) => {
      const [n, c, h, w] = four((x as NdArray).shape);
      const [, more, skipH, skipW] = four((skip as NdArray).shape);
      return planes([n, c + more, h, w], (plane, i, j) => {
        const [picture, k] = [Math.floor(plane / (c + more)), plane % (c + more)];
        if (k < c) return at(x as NdArray, ((picture * c + k) * h + i) * w + j);
        const [row, col] = [i + offset(skipH, h), j + offset(skipW, w)];
        return at(skip as NdArray, ((picture * more + k - c) * skipH + row) * skipW + col);
      });
    },
  }),
  row({
    name: 'center_crop',
    twice: true,
    problem: pictures.chain(([n, c, h, w]) => {
      const args = fc.record({ height: fc.integer({ min: 1, max: h }), width: fc.integer({ min: 1, max: w }) });
      return fc.record({ shapes: fc.constant([[n, c, h, w]]), args });
    }),
    large: [
      { shapes: [[2, 5, 64, 96]], args: { height: 63, width: 95 } },
      { shapes: [[3, 200, 5, 7]], args: { height: 2, width: 7 } },
    ],
    run: ([x], { height, width }) => centerCrop(x as Tensor, height, width),
    reference: ([x], { height, width }) => {
      const [n, c, h, w] = four((x as NdArray).shape);
      return planes([n, c, height, width], (plane, i, j) => {
        return at(x as NdArray, (plane * h + i + offset(h, height)) * w + j + offset(w, width));
      });
    },
  }),
  row({
    name: 'permute',
    twice: true,
    problem: anyOrder,
    large: [
      { shapes: [[2, 37, 41, 35]], args: { axes: [0, 2, 3, 1] } },
      { shapes: [[2, 37, 41, 35]], args: { axes: [3, 1, 0, 2] } },
      { shapes: [[3, 33, 5, 40]], args: { axes: [3, 2, 1, 0] } },
      { shapes: [[3, 200, 9, 11]], args: { axes: [1, 0, 2, 3] } },
      { shapes: [[19, 31, 3, 23]], args: { axes: [1, 3, 0, 2] } },
      { shapes: [[7, 3, 5, 4, 6, 3]], args: { axes: [5, 3, 1, 4, 2, 0] } },
    ],
    run: ([x], { axes }) => permute(x as Tensor, axes),
    reference: ([x], { axes }) => permuted(x as NdArray, axes),
  }),
  row({
    name: 'transpose2d',
    twice: true,
    problem: fc.record({ shapes: fc.tuple(fc.tuple(side(12), side(12))), args: fc.constant(null) }),
    large: [
      { shapes: [[130, 97]], args: null },
      { shapes: [[3, 5000]], args: null },
    ],
    run: ([x]) => transpose2d(x as Tensor),
    reference: ([x]) => permuted(x as NdArray, [1, 0]),
  }),
];
