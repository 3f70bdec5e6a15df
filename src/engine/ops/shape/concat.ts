import concatSource from '../../../../shaders/shape/concat.wgsl';
import plane from '../../../../shaders/shape/plane.wgsl';
import { differentiable } from '../../tape/autograd.ts';
import { dispatch } from '../../tape/dispatch.ts';
import { type Backward, sameShape, sizeOf, Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { aList, aTensor, checkArguments } from '../arguments.ts';
import { axisOf } from '../axes.ts';
import { nchw, planeGrid } from '../launch.ts';
import { typedSource } from '../typed.ts';
import { halfToEven } from './center_crop.ts';
import { pad } from './pad.ts';
import { unsqueeze } from './reshape.ts';
import { slice } from './slice.ts';

const source = `${concatSource}\n${plane}`;

/**
 * Joins tensors along an axis, by default their channels: (N, C₁, …), (N, C₂, …), … → (N, C₁ + C₂ + …, …), in the order
 * given. Any dtype. Gradients of any order.
 * @throws PixtapeError if there are none, or they differ in anything but the length of that axis
 */
export function concat(parts: readonly Tensor[], axis = 1): Tensor {
  checkArguments('concat', { parts: aList(aTensor) }, { parts });
  const [first] = parts;
  if (!first) throw new PixtapeError('concat: there is nothing to join');
  const at = axisOf('concat', first, axis);
  const others = ({ shape }: Tensor) => shape.map((n, k) => (k === at ? 1 : n));
  for (const part of parts) {
    if (sameShape(others(part), others(first)) && isWhole(part) === isWhole(first)) continue;
    throw new PixtapeError(
      `concat: ${first.label} is [${first.shape}], ${part.label} is [${part.shape}]`,
      `Tensors that are joined must agree in their type and in all axes but ${at}.`,
    );
  }
  const lengths = parts.map(({ shape }) => shape[at] as number);
  const starts = lengths.map((_, i) => lengths.slice(0, i).reduce((a, b) => a + b, 0));
  const inner = sizeOf(first.shape.slice(at + 1));
  // The plane is the greatest common divisor, so that each part is a whole number of planes.
  const unit = lengths.reduce(greatestCommonDivisor);
  const shape = first.shape.map((n, k) => (k === at ? lengths.reduce((a, b) => a + b, 0) : n));
  const y = isWhole(first)
    ? Tensor.temporary(first.device, shape, 'concat', first.dtype)
    : Tensor.activation(first.device, shape, 'concat');
  const plane = { batch: sizeOf(first.shape.slice(0, at)), height: 1, width: unit * inner };
  const pieces = parts.map((tensor, i) => {
    return { tensor, planes: (lengths[i] as number) / unit, first: (starts[i] as number) / unit };
  });
  for (const pair of pairs(pieces)) join(y, plane, pair);
  const backward: Backward = (dy, needs) => {
    const wanted = pieces.filter((_, i) => needs[i]);
    const gradients = new Map(wanted.map((piece) => [piece, piece.tensor.like('concat.dx')]));
    const targets = [...gradients].map(([piece, tensor]) => ({ ...piece, tensor }));
    for (const pair of pairs(targets)) split(dy, plane, pair);
    return pieces.map((piece) => gradients.get(piece));
  };
  const graphBackward: Backward = (dy, needs) =>
    parts.map((_, i) => {
      const start = starts[i] as number;
      const range = { start, end: start + (lengths[i] as number) };
      return needs[i] ? slice(dy, [...Array<undefined>(at), range]) : undefined;
    });
  return differentiable(y, parts, backward, graphBackward);
}

/**
 * A U-Net's skip connection in one pass: x's channels, (N, C₁, H, W), then those of the centre of `skip`, (N, C₂, ≥ H,
 * ≥ W). The same as `concat([x, centerCrop(skip, H, W)])`, rounding of the offset included.
 * @throws PixtapeError if the batches differ, or `skip` is smaller
 */
export function concatCropped(x: Tensor, skip: Tensor): Tensor {
  checkArguments('concatCropped', { x: aTensor, skip: aTensor }, { x, skip });
  const [batch, channels, height, width] = nchw('concatCropped', x.shape);
  const [skipBatch, skipChannels, skipH, skipW] = nchw('concatCropped', skip.shape);
  if (skipBatch !== batch || skipH < height || skipW < width) {
    throw new PixtapeError(
      `concatCropped: ${skip.label} [${skip.shape}] has no centre that fits ${x.label} [${x.shape}]`,
      'The skip needs the same batch, and sides at least as long.',
    );
  }
  const y = Tensor.activation(x.device, [batch, channels + skipChannels, height, width], 'concat');
  const plane = { batch, height, width };
  const [down, right] = [halfToEven(skipH - height), halfToEven(skipW - width)];
  const crop = { height: skipH, width: skipW, down, right };
  const [own, cropped] = [
    { planes: channels, first: 0 },
    { planes: skipChannels, first: channels, crop },
  ];
  join(y, plane, [
    { tensor: x, ...own },
    { tensor: skip, ...cropped },
  ]);
  const backward: Backward = (dy, [needsX, needsSkip]) => {
    const dx = needsX ? x.like('concat.dx') : undefined;
    const dskip = needsSkip ? skip.like('concat.dskip') : undefined;
    if (dskip) {
      // The kernel for the skip's gradient also writes x's, even if nothing needs that.
      const to = dx ?? x.like('concat.dx');
      split(dy, plane, [
        { tensor: to, ...own },
        { tensor: dskip, ...cropped },
      ]);
    } else if (dx) split(dy, plane, [{ tensor: dx, ...own }]);
    return [dx, dskip];
  };
  const graphBackward: Backward = (dy, [needsX, needsSkip]) => {
    const channelsOf = (start: number, end: number) => slice(dy, [undefined, { start, end }]);
    const sides = [right, skipW - width - right, down, skipH - height - down];
    return [
      needsX ? channelsOf(0, channels) : undefined,
      needsSkip ? pad(channelsOf(channels, channels + skipChannels), sides) : undefined,
    ];
  };
  return differentiable(y, [x, skip], backward, graphBackward);
}

/**
 * Joins tensors of one shape along a new axis, which becomes axis `axis` of the result. As `torch.stack`.
 * @throws PixtapeError if there are none, or their shapes differ
 */
export function stack(parts: readonly Tensor[], axis = 0): Tensor {
  checkArguments('stack', { parts: aList(aTensor) }, { parts });
  const [first] = parts;
  if (!first) throw new PixtapeError('stack: there is nothing to join');
  const at = axisOf('stack', { label: 'the result', shape: [...first.shape, 1] }, axis);
  const other = parts.find(({ shape }) => !sameShape(shape, first.shape));
  if (other) {
    throw new PixtapeError(
      `stack: ${first.label} is [${first.shape}], ${other.label} is [${other.shape}]`,
      'Tensors that are stacked must have one shape.',
    );
  }
  return concat(
    parts.map((part) => unsqueeze(part, at)),
    at,
  );
}

function isWhole({ dtype }: Tensor): boolean {
  return dtype === 'u32' || dtype === 'i32';
}

/** A part of the result: its planes of one picture, from plane `first` of the result on. */
interface Piece {
  tensor: Tensor;
  planes: number;
  first: number;
  /** If its planes are larger than the result's: their sides, and the offset of the result in them. */
  crop?: { height: number; width: number; down: number; right: number };
}

/** The planes of the result. */
interface Planes {
  batch: number;
  height: number;
  width: number;
}

function join(y: Tensor, plane: Planes, [a, b]: readonly Piece[]): void {
  if (!a) return;
  const { params, groups } = grid(y, plane, a, b, plane);
  const kernel = y.device.kernel('concat', typedSource(source, y.dtype), 'join');
  dispatch(kernel, { a: a.tensor, b: (b ?? a).tensor, y }, params, groups);
}

function split(dy: Tensor, plane: Planes, [a, b]: readonly Piece[]): void {
  if (!a) return;
  const { params, groups } = grid(dy, plane, a, b, b?.crop ?? plane);
  const text = typedSource(source, dy.dtype);
  if (b) {
    const kernel = dy.device.kernel('concat.split', text, 'split');
    dispatch(kernel, { dy, da: a.tensor, db: b.tensor }, params, groups);
  } else dispatch(dy.device.kernel('concat.split', text, 'split_a'), { dy, da: a.tensor }, params, groups);
}

/** The dispatch over the planes of a and b, in slices of planes of these sides. */
function grid(
  y: Tensor,
  { batch, height, width }: Planes,
  a: Piece,
  b: Piece | undefined,
  sides: { height: number; width: number },
) {
  const planes = batch * (a.planes + (b?.planes ?? 0));
  const { params, groups } = planeGrid(y.device, sides.height, sides.width, planes);
  const crop = b?.crop ?? { height, width, down: 0, right: 0 };
  return {
    params: {
      pixels: height * width,
      width,
      slice: params.slice,
      step_rows: params.step_rows,
      step_cols: params.step_cols,
      planes,
      a_planes: a.planes,
      b_planes: b?.planes ?? 0,
      y_planes: y.size / (batch * height * width),
      first: a.first,
      b_height: crop.height,
      b_width: crop.width,
      down: crop.down,
      right: crop.right,
    },
    groups,
  };
}

/** Pairs consecutive pieces; the others stay alone. */
function pairs(pieces: readonly Piece[]): Piece[][] {
  const found: Piece[][] = [];
  for (const piece of pieces) {
    const [before, more] = found.at(-1) ?? [];
    if (before && !more && before.first + before.planes === piece.first) found.at(-1)?.push(piece);
    else found.push([piece]);
  }
  return found;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
