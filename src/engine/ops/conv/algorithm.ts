import type { Device } from '../../gpu/device.ts';
import type { Tensor } from '../../tape/tensor.ts';
import type { ConvGeometry } from './geometry.ts';

/** The three kernels that a convolution needs, in one way of computing them. */
export interface ConvKernels {
  /** y = conv(x, w) + bias, through a leaky ReLU where a slope is given. */
  forward(g: ConvGeometry, x: Tensor, w: Tensor, bias: Tensor | undefined, y: Tensor, slope?: number): void;
  /** dx = gradient of conv's input (+ bias, for the transposed convolution). */
  inputGradient(g: ConvGeometry, dy: Tensor, w: Tensor, bias: Tensor | undefined, dx: Tensor): void;
  /** dw = gradient of conv's weight. */
  weightGradient(g: ConvGeometry, x: Tensor, dy: Tensor, dw: Tensor): void;
}

export type ConvDirection = keyof ConvKernels;

/**
 * A way of computing convolutions. A *choice* is its name, and behind a space what it leaves open: `gemm 64x64`,
 * `tile 2x4x32`, `winograd4`.
 */
export interface ConvAlgorithm {
  /** The shaders that it runs: a measurement is worth nothing once they have changed. */
  readonly sources: readonly string[];
  /** Its choices that can compute this on this device, the one that it would take itself first; none if it cannot. */
  choices(device: Device, g: ConvGeometry, direction: ConvDirection): string[];
  /** The kernels of one of its choices. */
  kernels(choice: string): ConvKernels;
}
