import source from '../../../../../shaders/shape/space_to_depth.wgsl';
import type { Device } from '../../../gpu/device.ts';
import { Tensor } from '../../../tape/tensor.ts';
import { type Blocks, toDepth, toSpace } from '../../shape/blocks/space_to_depth.ts';
import type { ConvAlgorithm } from '../algorithm.ts';
import { type ConvGeometry, weightSize } from '../geometry.ts';
import { gemm } from './gemm/gemm.ts';
import { matrix } from './gemm/matrix.ts';
import { tile } from './tile.ts';

/**
 * Computes strided convolutions as convolutions of stride 1, with blocks of stride × stride pixels as channels. A 4 × 4
 * kernel of stride 2 becomes 2 × 2 over four times the channels, and another algorithm computes that. It costs a copy of
 * the input and of the weights. A kernel that is not a multiple of the stride is padded with zeros.
 */
const folding = <Config>(inner: ConvAlgorithm<Config>, name: string, onCpu: boolean): ConvAlgorithm<Config> => ({
  name,
  sources: [source, ...inner.sources],
  configs(device, g, direction) {
    const dense = g.dilationH * g.dilationW === 1;
    if (g.strideH * g.strideW === 1 || !dense || device.capabilities.cpu !== onCpu || !bindable(device, g)) return [];
    return inner.configs(device, folded(g), direction);
  },
  format: inner.format,
  parse: inner.parse,
  kernels(config) {
    const kernels = inner.kernels(config);
    const withBias = kernels.weightAndBiasGradient;
    return {
      forward: (g, x, w, bias, y, slope) => {
        kernels.forward(folded(g), inputBlocks(g, x), weightBlocks(g, w), bias, y, slope);
      },
      inputGradient: (g, dy, w, bias, dx) => {
        const { batch, inC, inH, inW } = folded(g);
        // Round only once: stay in f32 if the bias is still to come.
        const dtype = bias ? 'f32' : dx.dtype;
        const deep = Tensor.temporary(dx.device, [batch, inC, inH, inW], 'conv_fold.dx', dtype);
        kernels.inputGradient(folded(g), dy, weightBlocks(g, w), undefined, deep);
        toSpace(deep, g.inH, g.inW, blocksOf(g), { bias, into: dx });
      },
      weightGradient: (g, x, dy, dw) => {
        const deep = weightLike(g, dw);
        kernels.weightGradient(folded(g), inputBlocks(g, x), dy, deep);
        fromBlocks(g, deep, dw);
      },
      ...(withBias && {
        weightAndBiasGradient: (g: ConvGeometry, x: Tensor, dy: Tensor, dw: Tensor) => {
          const deep = weightLike(g, dw);
          const dbias = withBias(folded(g), inputBlocks(g, x), dy, deep);
          fromBlocks(g, deep, dw);
          return dbias;
        },
      }),
    };
  },
});

/** `fold HEIGHTxWIDTHxCHANNELS`, for CPU drivers: uses the kernels of `tile`, which have no strides. */
export const fold = folding(tile, 'fold', true);

/**
 * `fold_gemm ROWSxCOLUMNS`, for GPUs. `gemm` supports strides itself, but in an input gradient it multiplies by every
 * tap, and with a stride of 2 × 2 three in four of them have no value.
 */
export const foldGemm = folding(gemm, 'fold_gemm', false);

/** The same with products of halves. */
export const foldMatrix = folding(matrix, 'fold_matrix', false);

/** The convolution of stride 1 that it becomes. */
function folded(g: ConvGeometry): ConvGeometry {
  const kernelH = Math.ceil(g.kernelH / g.strideH);
  const kernelW = Math.ceil(g.kernelW / g.strideW);
  return {
    ...g,
    inC: g.inC * g.strideH * g.strideW,
    inH: g.outH + kernelH - 1,
    inW: g.outW + kernelW - 1,
    kernelH,
    kernelW,
    strideH: 1,
    strideW: 1,
    padH: 0,
    padW: 0,
  };
}

const blocksOf = (g: ConvGeometry): Blocks => ({ stride: [g.strideH, g.strideW], padding: [g.padH, g.padW] });

function inputBlocks(g: ConvGeometry, x: Tensor): Tensor {
  const { inH, inW } = folded(g);
  return toDepth(x, inH, inW, blocksOf(g));
}

function weightBlocks(g: ConvGeometry, w: Tensor): Tensor {
  const { kernelH, kernelW } = folded(g);
  return toDepth(w, kernelH, kernelW, { ...blocksOf(g), padding: [0, 0] });
}

/** A tensor for the weight gradient of that convolution. */
function weightLike(g: ConvGeometry, { device }: Tensor): Tensor {
  const { outC, inC, groups, kernelH, kernelW } = folded(g);
  return Tensor.temporary(device, [outC, inC / groups, kernelH, kernelW], 'conv_fold.dw');
}

function fromBlocks(g: ConvGeometry, deep: Tensor, dw: Tensor): void {
  toSpace(deep, g.kernelH, g.kernelW, { ...blocksOf(g), padding: [0, 0] }, { into: dw });
}

/** Whether each copy fits one binding. */
function bindable({ bindingLimit }: Device, g: ConvGeometry): boolean {
  const f = folded(g);
  const largest = Math.max(f.batch * f.inC * f.inH * f.inW, weightSize(f));
  return largest * 4 <= bindingLimit;
}
