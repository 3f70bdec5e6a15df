import type { Dtype } from '../../gpu/storage.ts';
import { differentiable, takeGradientSoFar } from '../../tape/autograd.ts';
import { Tensor } from '../../tape/tensor.ts';
import { bringBefore, endsInLeakyRelu, isBroughtBefore, slopeBehind } from '../activation_gradient.ts';
import { leakyReluGradient, throughLeakyRelu } from '../elementwise/activations.ts';
import { channelSum, leakyReluGradientAndSum } from '../reduce/channel_sum.ts';
import { sumTo } from '../shape/expand.ts';
import { viewOf } from '../shape/reshape.ts';
import type { ConvKernels } from './algorithm.ts';
import type { ConvGeometry } from './geometry.ts';
import { convKernels } from './tuning/choose.ts';

/**
 * The three directions of a convolution as operations. Each is linear in both of its tensors, and its gradients are the
 * other two directions. So derivatives of any order exist.
 */

/** The label and the dtype of a result. */
interface Made {
  label: string;
  dtype: Dtype;
}

/** y = conv(x, w) + bias, through a leaky ReLU if a slope is given. */
export function convolve(
  g: ConvGeometry,
  { x, w, bias, slope }: { x: Tensor; w: Tensor; bias?: Tensor | undefined; slope?: number | undefined },
  { label, dtype }: Made,
): Tensor {
  const y = Tensor.temporary(x.device, [g.batch, g.outC, g.outH, g.outW], label, dtype);
  convKernels(x.device, g).forward(g, x, w, bias, y, slope);
  endsInLeakyRelu(y, slope);
  return differentiable(
    y,
    bias ? [x, w, bias] : [x, w],
    (dy, needs) => convolutionGradients(g, { x, w, y, dy, slope }, needs),
    (dy, needs) => {
      const dz = slope === undefined ? dy : throughLeakyRelu(y, dy, slope);
      return [
        needs[0] ? inputGradient(g, { dy: dz, w }, gradientOf(x)) : undefined,
        needs[1] ? weightGradient(g, { x, dy: dz }, gradientOf(w)) : undefined,
        needs[2] ? sumOfChannels(dz) : undefined,
      ];
    },
  );
}

interface Convolution {
  x: Tensor;
  w: Tensor;
  y: Tensor;
  dy: Tensor;
  slope: number | undefined;
}

/** The gradients of `convolve`, in as few passes as the algorithm allows. Nothing on the tape. */
function convolutionGradients(
  g: ConvGeometry,
  { x, w, y, dy, slope }: Convolution,
  [needsX, needsW, needsBias = false]: readonly boolean[],
): (Tensor | undefined)[] {
  const kernels = convKernels(x.device, g);
  const together = needsW && needsBias ? kernels.weightAndBiasGradient : undefined;
  const behind = isBroughtBefore(dy) ? undefined : slope;
  const { dz, dbias } = beforeActivation(y, dy, behind, needsBias && !together);
  const dx = needsX ? recordInputGradient(g, kernels, { x, w, dz }) : undefined;
  if (!together) {
    const dw = needsW ? weightGradient(g, { x, dy: dz }, gradientOf(w)) : undefined;
    return [dx, dw, dbias];
  }
  const dw = w.like(`${w.label}.grad`);
  return [dx, dw, together(g, x, dz, dw)];
}

/**
 * Records the input gradient. If possible, the same pass also brings it before the leaky ReLU whose result the input
 * is, or adds the gradient from the input's other users.
 */
function recordInputGradient(
  g: ConvGeometry,
  kernels: ConvKernels,
  { x, w, dz }: { x: Tensor; w: Tensor; dz: Tensor },
): Tensor {
  const slope = slopeBehind(x);
  const { inputGradientBehind: behind, inputGradientOnTop: onTop } = kernels;
  const dx = () => x.like(`${x.label}.grad`);
  if (behind && slope !== undefined) {
    const result = bringBefore(dx());
    behind(g, dz, w, result, x, slope);
    return result;
  }
  const added = onTop && takeGradientSoFar(x);
  if (!onTop || !added) return inputGradient(g, { dy: dz, w }, gradientOf(x));
  const result = dx();
  onTop(g, dz, w, result, added);
  return result;
}

/** The gradient of conv's input from that of its result, plus a bias: a transposed convolution. */
export function inputGradient(
  g: ConvGeometry,
  { dy, w, bias }: { dy: Tensor; w: Tensor; bias?: Tensor | undefined },
  { label, dtype }: Made,
): Tensor {
  const dx = Tensor.temporary(dy.device, [g.batch, g.inC, g.inH, g.inW], label, dtype);
  convKernels(dy.device, g).inputGradient(g, dy, w, bias, dx);
  const gradients = (d: Tensor, needs: readonly boolean[]) => [
    needs[0] ? convolve(g, { x: d, w }, gradientOf(dy)) : undefined,
    needs[1] ? weightGradient(g, { x: d, dy }, gradientOf(w)) : undefined,
  ];
  return differentiable(
    dx,
    bias ? [dy, w, bias] : [dy, w],
    (d, needs) => [...gradients(d, needs), needs[2] ? channelSum(d) : undefined],
    (d, needs) => [...gradients(d, needs), needs[2] ? sumOfChannels(d) : undefined],
  );
}

/** The gradient of conv's weight from its input and the gradient of its result. */
function weightGradient(g: ConvGeometry, { x, dy }: { x: Tensor; dy: Tensor }, { label, dtype }: Made): Tensor {
  const shape = [g.outC, g.inC / g.groups, g.kernelH, g.kernelW];
  const dw = Tensor.temporary(x.device, shape, label, dtype);
  convKernels(x.device, g).weightGradient(g, x, dy, dw);
  const gradients = (d: Tensor, needs: readonly boolean[]) => [
    needs[0] ? inputGradient(g, { dy, w: d }, gradientOf(x)) : undefined,
    needs[1] ? convolve(g, { x, w: d }, gradientOf(dy)) : undefined,
  ];
  return differentiable(dw, [x, dy], gradients, gradients);
}

function gradientOf({ label, dtype }: Tensor): Made {
  return { label: `${label}.grad`, dtype };
}

/** The gradient before the leaky ReLU, if there is one, and the bias gradient, if needed. Nothing on the tape. */
function beforeActivation(
  y: Tensor,
  dy: Tensor,
  slope: number | undefined,
  needsBias: boolean,
): { dz: Tensor; dbias: Tensor | undefined } {
  if (slope === undefined) return { dz: dy, dbias: needsBias ? channelSum(dy) : undefined };
  if (!needsBias) return { dz: leakyReluGradient(y, dy, slope), dbias: undefined };
  const { dx, sum } = leakyReluGradientAndSum(y, dy, slope);
  return { dz: dx, dbias: sum };
}

/** `channelSum` on the tape. */
function sumOfChannels(x: Tensor): Tensor {
  const [, channels = 1] = x.shape;
  return viewOf(sumTo(x, [1, channels, 1, 1]), [channels]);
}
