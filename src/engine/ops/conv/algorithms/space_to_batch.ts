import source from '../../../../../shaders/shape/space_to_depth.wgsl';
import type { Device } from '../../../gpu/device.ts';
import { Tensor } from '../../../tape/tensor.ts';
import { type Blocks, toDepth, toSpace } from '../../shape/blocks/space_to_depth.ts';
import type { ConvAlgorithm } from '../algorithm.ts';
import type { ConvGeometry } from '../geometry.ts';
import { tile } from './tile.ts';
import { winogradRows } from './winograd.ts';

/**
 * Computes dilated convolutions of stride 1 as dense ones. The positions that are `dilation` pixels apart form a
 * picture of their own, in which the taps are neighbours. So dilation² pictures replace each picture, and another
 * algorithm convolves them. It costs a copy of the input and one of the result.
 * Source: Chen et al. 2015, "Semantic Image Segmentation with Deep Convolutional Nets and Fully Connected CRFs" (à
 * trous); TensorFlow computes dilated convolutions like this.
 */
const dilated = <Config>(inner: ConvAlgorithm<Config>, name: string): ConvAlgorithm<Config> => ({
  name,
  sources: [source, ...inner.sources],
  configs(device, g, direction) {
    const fits = g.strideH * g.strideW === 1 && g.dilationH * g.dilationW > 1 && bindable(device, g);
    return fits ? inner.configs(device, dense(g), direction) : [];
  },
  format: inner.format,
  parse: inner.parse,
  kernels(config) {
    const kernels = inner.kernels(config);
    return {
      forward: (g, x, w, bias, y, slope) => {
        const d = dense(g);
        const parts = Tensor.temporary(y.device, [d.batch, d.outC, d.outH, d.outW], 'conv_dilated.y', y.dtype);
        kernels.forward(d, inputParts(g, x), w, bias, parts, slope);
        toSpace(parts, g.outH, g.outW, outputBlocks(g), { into: y });
      },
      inputGradient: (g, dy, w, bias, dx) => {
        const d = dense(g);
        // Round only once: stay in f32 if the bias is still to come.
        const dtype = bias ? 'f32' : dx.dtype;
        const parts = Tensor.temporary(dx.device, [d.batch, d.inC, d.inH, d.inW], 'conv_dilated.dx', dtype);
        kernels.inputGradient(d, toDepth(dy, d.outH, d.outW, outputBlocks(g)), w, undefined, parts);
        toSpace(parts, g.inH, g.inW, inputBlocks(g), { bias, into: dx });
      },
      weightGradient: (g, x, dy, dw) => {
        const d = dense(g);
        kernels.weightGradient(d, inputParts(g, x), toDepth(dy, d.outH, d.outW, outputBlocks(g)), dw);
      },
    };
  },
});

/** `dilated HEIGHTxWIDTHxCHANNELS`, with the tiling of `tile`. */
export const dilatedTile = dilated(tile, 'dilated');

/** `dilated_rows CHANNELS`: Winograd along the rows. */
export const dilatedRows = dilated(winogradRows, 'dilated_rows');

/** The dense convolution of all parts together. The padding is in their pictures. */
function dense(g: ConvGeometry): ConvGeometry {
  const [outH, outW] = [Math.ceil(g.outH / g.dilationH), Math.ceil(g.outW / g.dilationW)];
  return {
    ...g,
    batch: g.batch * g.dilationH * g.dilationW,
    inH: outH + g.kernelH - 1,
    inW: outW + g.kernelW - 1,
    outH,
    outW,
    padH: 0,
    padW: 0,
    dilationH: 1,
    dilationW: 1,
  };
}

function inputBlocks(g: ConvGeometry): Blocks {
  return { stride: [g.dilationH, g.dilationW], padding: [g.padH, g.padW], batched: true };
}

/** Positions beyond the last are 0 in copies of gradients, and dropped from copies of results. */
function outputBlocks(g: ConvGeometry): Blocks {
  return { ...inputBlocks(g), padding: [0, 0] };
}

function inputParts(g: ConvGeometry, x: Tensor): Tensor {
  const { inH, inW } = dense(g);
  return toDepth(x, inH, inW, inputBlocks(g));
}

/** Whether each copy fits one binding. */
function bindable({ bindingLimit }: Device, g: ConvGeometry): boolean {
  const d = dense(g);
  const largest = d.batch * Math.max(d.inC * d.inH * d.inW, d.outC * d.outH * d.outW);
  return largest * 4 <= bindingLimit;
}
