import source from '../../../../shaders/norm/instance_norm.wgsl';
import backwardSource from '../../../../shaders/norm/instance_norm_backward.wgsl';
import { differentiable } from '../../tape/autograd.ts';
import { dispatch, invocationWorkgroups } from '../../tape/dispatch.ts';
import { Tensor } from '../../tape/tensor.ts';
import { PixtapeError } from '../../util/errors.ts';
import { nchw, planeGrid } from '../launch.ts';

const EPS = 1e-5;

/**
 * Instance norm of each plane by itself: x (N, C, H, W) → (x − mean) / √(variance + 1e-5), with (biased) variance over
 * the plane's pixels. No weights and no running statistics: training and evaluation are the same.
 *
 * Source: Ulyanov, Vedaldi & Lempitsky 2016, "Instance Normalization"; numbers as `torch.nn.InstanceNorm2d` has them by
 * default.
 * @throws PixtapeError if x is not (N, C, H, W), or a plane has only one pixel, of which nothing would be left
 */
export function instanceNorm(x: Tensor): Tensor {
  const { device } = x;
  const [n, c, height, width] = nchw('instanceNorm', x.shape);
  if (height * width === 1) {
    throw new PixtapeError(
      `instanceNorm: [${x.shape}] has one pixel for each plane, which is no picture to take statistics of`,
      'Use a larger picture, or batch norm.',
    );
  }
  const planes = n * c;
  const walk = planeGrid(device, height, width, planes);
  const params = { planes, pixels: height * width, slice: walk.params.slice, eps: EPS };
  const wholePlanes: [number, number] = [1, walk.groups[1] ?? 1];
  const pass =
    (label: string, text: string) =>
    (entry: string, bindings: Record<string, Tensor>, groups = walk.groups) =>
      dispatch(device.kernel(`${label}.${entry}`, text, entry), bindings, params, groups);

  const run = pass('instance_norm', source);
  const lanes = Tensor.temporary(device, [planes, device.lanes, 2], 'instance_norm.lanes');
  const table = Tensor.temporary(device, [planes, 2], 'instance_norm.table');
  const y = x.like('instance_norm');
  run('statistics', { x, partials: lanes }, wholePlanes);
  run('combine', { lanes, table }, invocationWorkgroups(device, planes));
  run('normalise', { x, known: table, y });
  return differentiable(y, [x], (dy) => {
    const back = pass('instance_norm_backward', backwardSource);
    const sums = lanes.like('instance_norm.sums');
    const slopes = Tensor.temporary(device, [planes, 4], 'instance_norm.slopes');
    const dx = x.like('instance_norm.dx');
    back('sums', { x, dy, table, partials: sums }, wholePlanes);
    back('combine', { lanes: sums, table, slopes }, invocationWorkgroups(device, planes));
    back('input', { x, dy, known: slopes, dx });
    return [dx];
  });
}
