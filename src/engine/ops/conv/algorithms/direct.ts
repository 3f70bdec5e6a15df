import directSource from '../../../../../shaders/conv/conv_direct.wgsl';
import leakyRelu from '../../../../../shaders/elementwise/shared/leaky_relu.wgsl';
import { dispatchElements } from '../../../tape/dispatch.ts';
import type { Tensor } from '../../../tape/tensor.ts';
import type { ConvAlgorithm } from '../algorithm.ts';
import { type ConvGeometry, geometryParams, products, weightSize } from '../geometry.ts';

const source = `${directSource}\n${leakyRelu}`;

/** Convolutions by their definition: slow, and the reference that the faster kernels are tested against. */

/** The most multiply-adds for which it is a candidate: larger convolutions always lose, and take seconds to do so. */
const WORTH_A_TRY = 2 ** 22;

export const direct: ConvAlgorithm<true> = {
  name: 'direct',
  sources: [source],
  configs(device, g) {
    return 4 * weightSize(g) <= device.bindingLimit && products(g) <= WORTH_A_TRY ? [true] : [];
  },
  kernels: () => ({
    forward: directForward,
    inputGradient: directInputGradient,
    weightGradient: directWeightGradient,
  }),
  format: () => '',
  parse: (text) => text === '' || undefined,
};

/** y = conv(x, w) + bias, through a leaky ReLU if a slope is given. */
function directForward(g: ConvGeometry, x: Tensor, w: Tensor, bias: Tensor | undefined, y: Tensor, slope = 1): void {
  const kernel = y.device.kernel('conv_direct.forward', source, 'forward');
  dispatchElements(kernel, { x, w, bias: bias ?? w, result: y }, params(g, y, bias, slope));
}

/** dx = gradient of conv's input (+ bias, for the transposed convolution). */
function directInputGradient(g: ConvGeometry, dy: Tensor, w: Tensor, bias: Tensor | undefined, dx: Tensor): void {
  const kernel = dx.device.kernel('conv_direct.input_gradient', source, 'input_gradient');
  dispatchElements(kernel, { dy, w, bias: bias ?? w, result: dx }, params(g, dx, bias));
}

/** dw = gradient of conv's weight. */
function directWeightGradient(g: ConvGeometry, x: Tensor, dy: Tensor, dw: Tensor): void {
  const kernel = dw.device.kernel('conv_direct.weight_gradient', source, 'weight_gradient');
  dispatchElements(kernel, { x, dy, result: dw }, params(g, dw));
}

function params(g: ConvGeometry, result: Tensor, bias?: Tensor, slope = 1) {
  return {
    n: result.size,
    batch: g.batch,
    ...geometryParams(g),
    dilation_h: g.dilationH,
    dilation_w: g.dilationW,
    groups: g.groups,
    has_bias: bias ? 1 : 0,
    slope,
  };
}
