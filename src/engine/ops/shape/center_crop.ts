import cropSource from '../../../../shaders/shape/crop.wgsl';
import plane from '../../../../shaders/shape/plane.wgsl';
import { differentiable } from '../../tape/autograd.ts';
import { dispatch } from '../../tape/dispatch.ts';
import { Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { aTensor, aWholeNumber, checkArguments } from '../arguments.ts';
import { nchw, planeGrid } from '../launch.ts';
import { pad } from './pad.ts';

const source = `${cropSource}\n${plane}`;

/**
 * The centre of each picture: (N, C, H, W) → (N, C, height, width). The first row is at round-half-to-even((H − height)
 * / 2), columns likewise.
 * Source: `torchvision.transforms.CenterCrop`, which uses Python's `round`.
 * @throws PixtapeError if the input is smaller than the crop
 */
export function centerCrop(x: Tensor, height: number, width: number): Tensor {
  const side = aWholeNumber(1);
  checkArguments('centerCrop', { x: aTensor, height: side, width: side }, { x, height, width });
  const [batch, channels, h, w] = nchw('centerCrop', x.shape);
  if (!(height <= h && width <= w)) {
    throw new PixtapeError(`centerCrop: [${x.shape}] is smaller than the ${width} × ${height} to be cut out of it`);
  }
  if (height === h && width === w) return x;
  const y = Tensor.temporary(x.device, [batch, channels, height, width], 'center_crop', x.dtype);
  const down = halfToEven(h - height);
  const right = halfToEven(w - width);
  window(x, y, down, right);
  const graphBackward = (dy: Tensor) => [pad(dy, [right, w - width - right, down, h - height - down])];
  const backward = (dy: Tensor) => {
    const dx = x.like('center_crop.dx');
    window(dy, dx, -down, -right);
    return [dx];
  };
  return differentiable(y, [x], backward, graphBackward);
}

/** n / 2, with halves rounded to the even neighbour. */
export function halfToEven(n: number): number {
  const half = Math.floor(n / 2);
  return n % 2 === 0 || half % 2 === 0 ? half : half + 1;
}

function window(x: Tensor, result: Tensor, down: number, right: number): void {
  const [batch, channels, fromH, fromW] = nchw('centerCrop', x.shape);
  const [, , toH, toW] = nchw('centerCrop', result.shape);
  const { params, groups } = planeGrid(x.device, toH, toW, batch * channels);
  const offsets = { from_h: fromH, from_w: fromW, down, right };
  dispatch(x.device.kernel('crop', source, 'window'), { x, result }, { ...params, ...offsets }, groups);
}
