import type { Tensor } from '../../../tape/tensor.ts';
import { PixtapeError } from '../../../util/errors.ts';
import { aTensor, aWholeNumber, checkArguments } from '../../arguments.ts';
import { nchw } from '../../launch.ts';
import { depthToSpace, spaceToDepth } from './space_to_depth.ts';

const RULES = { x: aTensor, factor: aWholeNumber(1) };

/**
 * Turns channels into blocks of factor × factor pixels: (N, C · factor², H, W) → (N, C, H · factor, W · factor).
 * Channel (c · factor + r) · factor + q becomes pixel (r, q) of each block. Gradients of any order.
 * @throws PixtapeError if the channels are not a multiple of factor²
 *
 * Source: as `torch.nn.functional.pixel_shuffle`; Shi et al. 2016, "Real-Time Single Image and Video Super-Resolution
 * Using an Efficient Sub-Pixel Convolutional Neural Network".
 */
export function pixelShuffle(x: Tensor, factor: number): Tensor {
  checkArguments('pixelShuffle', RULES, { x, factor });
  const [, channels, height, width] = nchw('pixelShuffle', x.shape);
  if (channels % (factor * factor) !== 0) {
    throw new PixtapeError(
      `pixelShuffle: [${x.shape}] has ${channels} channels, not a multiple of ${factor} × ${factor}`,
    );
  }
  return depthToSpace(x, height * factor, width * factor, { stride: [factor, factor], padding: [0, 0] });
}

/**
 * The reverse: turns blocks of factor × factor pixels into channels, (N, C, H, W) → (N, C · factor², H / factor, W /
 * factor). Gradients of any order.
 * @throws PixtapeError if a side is not a multiple of the factor. Source: as `torch.nn.functional.pixel_unshuffle`.
 */
export function pixelUnshuffle(x: Tensor, factor: number): Tensor {
  checkArguments('pixelUnshuffle', RULES, { x, factor });
  const [, , height, width] = nchw('pixelUnshuffle', x.shape);
  if (height % factor !== 0 || width % factor !== 0) {
    throw new PixtapeError(`pixelUnshuffle: the sides of [${x.shape}] are not multiples of ${factor}`);
  }
  return spaceToDepth(x, height / factor, width / factor, { stride: [factor, factor], padding: [0, 0] });
}
