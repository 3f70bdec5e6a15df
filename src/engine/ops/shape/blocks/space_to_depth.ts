import source from '../../../../../shaders/shape/space_to_depth.wgsl';
import { differentiable } from '../../../tape/autograd.ts';
import { dispatch, elementWorkgroups } from '../../../tape/dispatch.ts';
import { Tensor } from '../../../tape/tensor.ts';
import { columnGrid, nchw } from '../../launch.ts';

/** The largest plane of x, in pixels, that one invocation copies whole. */
const SMALL = 36;

/** The sides of a block, and the padding with zeros before the first pixel. */
export interface Blocks {
  stride: readonly [height: number, width: number];
  padding: readonly [height: number, width: number];
  /** Puts the pixels of a block into separate pictures of the batch instead of channels: (N · s · s, C, …). */
  batched?: boolean;
}

/**
 * Turns blocks of pixels into channels: (N, C, H, W) → (N, C · s · s, height, width). Block (i, j) begins at pixel (i ·
 * s − padding, j · s − padding). Pixels outside the picture are 0; pixels beyond the last block are dropped. Gradients
 * of any order.
 */
export function spaceToDepth(x: Tensor, height: number, width: number, blocks: Blocks): Tensor {
  const [, , inH, inW] = nchw('spaceToDepth', x.shape);
  const back = (dy: Tensor) => [depthToSpace(dy, inH, inW, blocks)];
  return differentiable(toDepth(x, height, width, blocks), [x], back, back);
}

/** The reverse: takes each pixel from its block, 0 if there is none; (N, C · s · s, h, w) → (N, C, height, width). */
export function depthToSpace(y: Tensor, height: number, width: number, blocks: Blocks): Tensor {
  const [, , outH, outW] = nchw('depthToSpace', y.shape);
  const back = (d: Tensor) => [spaceToDepth(d, outH, outW, blocks)];
  return differentiable(toSpace(y, height, width, blocks), [y], back, back);
}

/** `spaceToDepth` with nothing on the tape. */
export function toDepth(x: Tensor, height: number, width: number, blocks: Blocks): Tensor {
  const { stride, batched } = blocks;
  const [batch, channels, inH, inW] = nchw('spaceToDepth', x.shape);
  const pixels = stride[0] * stride[1];
  const [pictures, deep] = batched ? [batch * pixels, channels] : [batch, channels * pixels];
  const y = Tensor.temporary(x.device, [pictures, deep, height, width], 'space_to_depth', x.dtype);
  const { params, groups, entry } = walk(x, height, pictures * deep * width, batch * channels, blocks);
  const sides = { channels, in_h: inH, in_w: inW, out_h: height, out_w: width, has_bias: 0 };
  const kernel = x.device.kernel('space_to_depth', source, `${entry}to_depth`);
  dispatch(kernel, { x, y }, { ...params, ...sides, ...named(blocks) }, groups);
  return y;
}

/**
 * `depthToSpace` plus a bias per channel, with nothing on the tape.
 * @param into receives the result; by default a new tensor
 */
export function toSpace(
  y: Tensor,
  height: number,
  width: number,
  blocks: Blocks,
  { bias, into }: { bias?: Tensor | undefined; into?: Tensor } = {},
): Tensor {
  const { stride, batched } = blocks;
  const [pictures, deep, outH, outW] = nchw('depthToSpace', y.shape);
  const pixels = stride[0] * stride[1];
  const [batch, channels] = batched ? [pictures / pixels, deep] : [pictures, deep / pixels];
  const result = into ?? Tensor.temporary(y.device, [batch, channels, height, width], 'depth_to_space', y.dtype);
  const { params, groups, entry } = walk(y, height, batch * channels * width, batch * channels, blocks);
  const sides = { channels, in_h: height, in_w: width, out_h: outH, out_w: outW, has_bias: bias ? 1 : 0 };
  const kernel = y.device.kernel('depth_to_space', source, `${entry}to_space`);
  const bound = { depth: y, bias: bias ?? y, result };
  dispatch(kernel, bound, { ...params, ...sides, ...named(blocks) }, groups);
  return result;
}

/** The dispatch: columns of the result for invocations to walk down, or whole planes of x if they are small. */
function walk({ device, size }: Tensor, rows: number, columns: number, planes: number, { batched }: Blocks) {
  if (batched || size / planes > SMALL) return { ...columnGrid(device, rows, columns), entry: '' as const };
  return {
    params: { columns: planes, slice: rows },
    groups: elementWorkgroups(device, planes),
    entry: 'small_' as const,
  };
}

function named({ stride: [s_h, s_w], padding: [pad_h, pad_w], batched = false }: Blocks) {
  return { s_h, s_w, pad_h, pad_w, batched: batched ? 1 : 0 };
}
