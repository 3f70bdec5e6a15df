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
  /**
   * As `inputGradient`, brought before the leaky ReLU of this slope that gave conv's input x, in the same pass; left out
   * where a pass of its own does that.
   */
  inputGradientBehind?(g: ConvGeometry, dy: Tensor, w: Tensor, dx: Tensor, x: Tensor, slope: number): void;
  /** As `inputGradient` without a bias, plus `added`, of the same shape; left out where a pass of its own adds it. */
  inputGradientOnTop?(g: ConvGeometry, dy: Tensor, w: Tensor, dx: Tensor, added: Tensor): void;
  /** As `weightGradient`, and in the same pass the gradient of the bias; left out where a pass of its own does that. */
  weightAndBiasGradient?(g: ConvGeometry, x: Tensor, dy: Tensor, dw: Tensor): Tensor;
}

export type ConvDirection = 'forward' | 'inputGradient' | 'weightGradient';

/** A way of computing convolutions. What it leaves open, such as the size of a tile, is a config of a type of its own. */
export interface ConvAlgorithm<Config> {
  readonly name: string;
  /** The shaders that it runs: a measurement is worth nothing once they have changed. */
  readonly sources: readonly string[];
  /** The configs that can compute this on this device, the one that it would take itself first; none if it cannot. */
  configs(device: Device, g: ConvGeometry, direction: ConvDirection): readonly Config[];
  kernels(config: Config): ConvKernels;
  /** The config as tuning files and options have it behind the name, such as `2x4x32`; empty where it is always the same. */
  format(config: Config): string;
  /** Reads what `format` writes; undefined if it is nothing of the kind. */
  parse(text: string): Config | undefined;
}

/** An algorithm with one of its configs: what is recorded, measured, and noted in tuning files by its name. */
export interface ConvChoice {
  readonly algorithm: string;
  /** The algorithm and its config as text: `tile 2x4x32`, `direct`. */
  readonly name: string;
  readonly kernels: ConvKernels;
}

/** An algorithm among others, the type of its configs hidden in its choices. */
export interface ConvMethod {
  readonly name: string;
  readonly sources: readonly string[];
  choices(device: Device, g: ConvGeometry, direction: ConvDirection): ConvChoice[];
  parse(text: string): ConvChoice | undefined;
}

export function methodOf<Config>(algorithm: ConvAlgorithm<Config>): ConvMethod {
  const { name, sources } = algorithm;
  const choice = (config: Config): ConvChoice => {
    return { algorithm: name, name: `${name} ${algorithm.format(config)}`.trim(), kernels: algorithm.kernels(config) };
  };
  return {
    name,
    sources,
    choices: (device, g, direction) => algorithm.configs(device, g, direction).map(choice),
    parse(text) {
      const config = algorithm.parse(text);
      return config === undefined ? undefined : choice(config);
    },
  };
}

/** Reads `count` whole numbers of at least 1 with an x between them; undefined if it is anything else. */
export function parseSizes(text: string, count: number): number[] | undefined {
  const parts = text.split('x');
  const numbers = parts.map(Number);
  const whole = numbers.every((n, i) => Number.isInteger(n) && n > 0 && String(n) === parts[i]);
  return whole && numbers.length === count ? numbers : undefined;
}
