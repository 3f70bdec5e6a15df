import fc from 'fast-check';
import { pixelShuffle, pixelUnshuffle } from '../../../../src/engine/ops/shape/blocks/pixel_shuffle.ts';
import { type Blocks, spaceToDepth } from '../../../../src/engine/ops/shape/blocks/space_to_depth.ts';
import { centerCrop } from '../../../../src/engine/ops/shape/center_crop.ts';
import { concat, concatCropped } from '../../../../src/engine/ops/shape/concat.ts';
import type { Tensor } from '../../../../src/engine/tape/tensor.ts';
import { at, type NdArray, planes } from '../nd.ts';
import { four, pictures, side } from '../shapes.ts';
import { type OpRow, type Problem, row } from '../table_row.ts';

/** Half the difference, a half rounded to the even neighbour: Python's round, which torchvision uses. */
function offset(from: number, to: number): number {
  const half = (from - to) / 2;
  const below = Math.floor(half);
  return half === below ? below : below % 2 === 0 ? below : below + 1;
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

const shuffles = fc.tuple(pictures, fc.integer({ min: 1, max: 3 }));

/** Operations that rearrange, join and crop pictures (N, C, H, W). */
export const pictureShapes: OpRow[] = [
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
  row<{ factor: number }>({
    name: 'pixel_shuffle',
    twice: true,
    problem: shuffles.map(([[n, c, h, w], factor]) => ({ shapes: [[n, c * factor ** 2, h, w]], args: { factor } })),
    large: [{ shapes: [[2, 48, 17, 23]], args: { factor: 4 } }],
    run: ([x], { factor }) => pixelShuffle(x as Tensor, factor),
    reference: ([x], { factor }) => {
      const [n, c, h, w] = four((x as NdArray).shape);
      return planes([n, c / factor ** 2, h * factor, w * factor], (plane, i, j) => {
        const from = (plane * factor + (i % factor)) * factor + (j % factor);
        return at(x as NdArray, (from * h + Math.floor(i / factor)) * w + Math.floor(j / factor));
      });
    },
  }),
  row<{ factor: number }>({
    name: 'pixel_unshuffle',
    twice: true,
    problem: shuffles.map(([[n, c, h, w], factor]) => ({ shapes: [[n, c, h * factor, w * factor]], args: { factor } })),
    large: [{ shapes: [[2, 3, 68, 92]], args: { factor: 4 } }],
    run: ([x], { factor }) => pixelUnshuffle(x as Tensor, factor),
    reference: ([x], { factor }) => {
      const [n, c, h, w] = four((x as NdArray).shape);
      return planes([n, c * factor ** 2, h / factor, w / factor], (plane, i, j) => {
        const within = plane % factor ** 2;
        const row = i * factor + Math.floor(within / factor);
        return at(x as NdArray, (Math.floor(plane / factor ** 2) * h + row) * w + j * factor + (within % factor));
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
];
