import type { Device } from '../gpu/device.ts';
import type { Tensor } from '../tape/tensor.ts';
import { directForward, directInputGradient, directWeightGradient } from './conv_direct.ts';
import { gemmForward, gemmInputGradient, gemmWeightGradient } from './conv_gemm.ts';
import type { ConvGeometry } from './conv_geometry.ts';
import { tileFits, tileForward, tileInputGradient, tileWeightGradient } from './conv_tile.ts';

/** The three kernels that a convolution needs, in one way of computing them. */
export interface ConvKernels {
  /** y = conv(x, w) + bias, through a leaky ReLU where a slope is given. */
  forward(g: ConvGeometry, x: Tensor, w: Tensor, bias: Tensor | undefined, y: Tensor, slope?: number): void;
  /** dx = gradient of conv's input (+ bias, for the transposed convolution). */
  inputGradient(g: ConvGeometry, dy: Tensor, w: Tensor, bias: Tensor | undefined, dx: Tensor): void;
  /** dw = gradient of conv's weight. */
  weightGradient(g: ConvGeometry, x: Tensor, dy: Tensor, dw: Tensor): void;
}

const variants = {
  direct: { forward: directForward, inputGradient: directInputGradient, weightGradient: directWeightGradient },
  gemm: { forward: gemmForward, inputGradient: gemmInputGradient, weightGradient: gemmWeightGradient },
  tile: { forward: tileForward, inputGradient: tileInputGradient, weightGradient: tileWeightGradient },
} satisfies Record<string, ConvKernels>;

export type ConvVariant = keyof typeof variants;

/** `tile` on drivers that compute on the CPU where it fits, else `gemm`; what the device's owner asks for goes first. */
export function convKernels(device: Device, g: ConvGeometry): ConvKernels {
  const asked = device.convolution;
  if (asked === 'direct' || asked === 'gemm') return variants[asked];
  return tileFits(device, g) ? variants.tile : variants.gemm;
}
