import source from '../../../../shaders/loss/ssim.wgsl';
import { differentiable } from '../../tape/autograd.ts';
import { dispatchElements } from '../../tape/dispatch.ts';
import { Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { checkSameShape } from '../check.ts';
import { nchw } from '../launch.ts';
import { sumAll } from '../reduce/sum_all.ts';

/** The side of SSIM's window in pixels, and the smallest height and width of a picture. */
export const SSIM_WINDOW = 11;

/** Adjacent results that one invocation computes: they share the values under their windows. */
const RUN = 4;
const CONSTANTS = { TAPS: SSIM_WINDOW, RUN, SPAN: RUN + SSIM_WINDOW - 1, MEANS: 5, SLOPES: 3 };

/**
 * Structural dissimilarity, 1 − SSIM, mean over all windows within a picture, over channels and pictures, shape [1]:
 * Wang et al. 2004, a Gaussian window of 11 × 11 pixels. It detects blotches in flat areas, which the L1 distance
 * hardly does. No gradient flows into `b`.
 *
 * @param a (N, C, H, W), H and W at least 11
 * @param b of the same shape
 * @param range the values of black and white; [0, 1] by default
 * @throws PixtapeError if the shapes differ or the pictures are smaller than the window, or if b asks for a gradient
 */
export function ssimLoss(a: Tensor, b: Tensor, [low, high]: readonly [number, number] = [0, 1]): Tensor {
  checkSameShape('ssimLoss', a, b);
  const [n, c, height, width] = nchw('ssimLoss', a.shape);
  if (Math.min(height, width) < SSIM_WINDOW) {
    throw new PixtapeError(
      `ssimLoss: pictures of ${width} × ${height} are smaller than the window of ${SSIM_WINDOW} × ${SSIM_WINDOW}`,
    );
  }
  if (b.requiresGrad) {
    throw new PixtapeError(`ssimLoss: the target ${b.label} asks for a gradient`, 'Pass target.detach().');
  }
  const { device } = a;
  const [planes, rows, cols] = [n * c, height - SSIM_WINDOW + 1, width - SSIM_WINDOW + 1];
  const windows = planes * rows * cols;
  const runs = (length: number) => Math.ceil(length / RUN);
  const kernel = (entry: string) => device.kernel(`ssim.${entry}`, source, entry, CONSTANTS);
  const { SPAN: span } = CONSTANTS;
  const params = { planes, height, width, low, factor: 1 / (high - low), share: -1 / windows, span };

  // Compute in f32 even if activations are stored as f16: a variance is the small difference of two means.
  const means = Tensor.temporary(device, [5, planes, height, cols], 'ssim.means', 'f32');
  dispatchElements(kernel('rows'), { a, b, means }, { n: planes * height * runs(cols), ...params });
  const y = Tensor.temporary(device, [planes, rows, cols], 'ssim.windows', 'f32');
  const windowRuns = planes * runs(rows) * cols;
  dispatchElements(kernel('windows'), { row_means: means, y }, { n: windowRuns, ...params });
  return differentiable(sumAll('ssim', y, 1 / windows), [a], (dy) => {
    const slope = Tensor.temporary(device, [3, planes, rows, cols], 'ssim.slopes', 'f32');
    dispatchElements(kernel('slopes'), { row_means: means, slope }, { n: windowRuns, ...params });
    const sums = Tensor.temporary(device, [3, planes, height, cols], 'ssim.sums', 'f32');
    dispatchElements(
      kernel('columns'),
      { window_slope: slope, sums },
      { n: 3 * planes * runs(height) * cols, ...params },
    );
    const dx = a.like('ssim.dx');
    const all = { column_sums: sums, a, b, dy, dx };
    dispatchElements(kernel('gradient'), all, { n: planes * height * runs(width), ...params });
    return [dx];
  });
}
