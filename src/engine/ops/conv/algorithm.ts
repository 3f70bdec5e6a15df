import type { Device } from '../../gpu/device.ts';
import type { Tensor } from '../../tape/tensor.ts';
import type { ConvGeometry } from './geometry.ts';

/** The three kernels of a convolution, by one algorithm. */
export interface ConvKernels {
  /** y = conv(x, w) + bias, through a leaky ReLU if a slope is given. */
  forward(g: ConvGeometry, x: Tensor, w: Tensor, bias: Tensor | undefined, y: Tensor, slope?: number): void;
  /** dx = gradient of conv's input (+ bias, for the transposed convolution). */
  inputGradient(g: ConvGeometry, dy: Tensor, w: Tensor, bias: Tensor | undefined, dx: Tensor): void;
  /** dw = gradient of conv's weight. */
  weightGradient(g: ConvGeometry, x: Tensor, dy: Tensor, dw: Tensor): void;
  /**
   * As `inputGradient`, and in the same pass through the leaky ReLU of this slope whose result is conv's input x.
   * Omitted if that takes a pass of its own.
   */
  inputGradientBehind?(g: ConvGeometry, dy: Tensor, w: Tensor, dx: Tensor, x: Tensor, slope: number): void;
  /** As `inputGradient` without a bias, plus `added`, of the same shape. Omitted if that takes a pass of its own. */
  inputGradientOnTop?(g: ConvGeometry, dy: Tensor, w: Tensor, dx: Tensor, added: Tensor): void;
  /** As `weightGradient`, and the gradient of the bias in the same pass. Omitted if that takes a pass of its own. */
  weightAndBiasGradient?(g: ConvGeometry, x: Tensor, dy: Tensor, dw: Tensor): Tensor;
}

export type ConvDirection = 'forward' | 'inputGradient' | 'weightGradient';

/** A convolution algorithm. What it leaves open, such as the size of a tile, is a config of its own type. */
export interface ConvAlgorithm<Config> {
  readonly name: string;
  /** Its shaders. Measurements are invalid once they have changed. */
  readonly sources: readonly string[];
  /** The configs that support this convolution on this device, the algorithm's default first; none if it does not. */
  configs(device: Device, g: ConvGeometry, direction: ConvDirection): readonly Config[];
  kernels(config: Config): ConvKernels;
  /** The config as tuning files and options write it after the name, such as `2x4x32`; empty if there is only one. */
  format(config: Config): string;
  /** Parses what `format` writes; undefined if malformed. */
  parse(text: string): Config | undefined;
}

/** An algorithm with one of its configs. Recorded, measured, and noted in tuning files by its name. */
export interface ConvChoice {
  readonly algorithm: string;
  /** The algorithm and its config as text: `tile 2x4x32`, `direct`. */
  readonly name: string;
  readonly kernels: ConvKernels;
}

/** An algorithm whose type of config is hidden in its choices. */
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

/** Parses `count` whole numbers of at least 1 that are separated by x; undefined if malformed. */
export function parseSizes(text: string, count: number): number[] | undefined {
  const parts = text.split('x');
  const numbers = parts.map(Number);
  const whole = numbers.every((n, i) => Number.isInteger(n) && n > 0 && String(n) === parts[i]);
  return whole && numbers.length === count ? numbers : undefined;
}
