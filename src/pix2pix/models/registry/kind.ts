import type { Device } from '../../../engine/gpu/device.ts';
import type { InitOptions } from '../../../engine/nn/init/init.ts';
import type { Module } from '../../../engine/nn/module.ts';
import type { NormKind } from '../../../engine/nn/norm.ts';
import type { Rng } from '../../../engine/ops/random/rng.ts';
import type { Tensor } from '../../../engine/tape/tensor.ts';
import type { GeneratorConfig, PictureRange, SidesOf } from '../generators/config.ts';
import type { OnnxGraph, Value } from '../onnx/graph.ts';

/** What all generators have in common. */
export interface PictureGenerator extends Module {
  readonly config: { inChannels: number; outChannels: number; sharedNorm?: boolean };
  /** Both sides of a picture must be multiples of this. */
  readonly unit: number;
  /** The range of values that it takes and returns. */
  readonly range: PictureRange;
  /** Save only the levels' inputs for the backward pass, and recompute the rest. For large pictures. */
  recompute: boolean;
  /** (N, in, H, W) → (N, out, H, W). @throws PixtapeError if the sides do not fit. */
  forward(condition: Tensor): Tensor;
}

/** What all discriminators have in common: one logit per patch. */
export interface Discriminator extends Module {
  /** Whether a picture's logits depend on the other pictures of the batch, as with batch norm. */
  readonly mixesPictures: boolean;
  /** @param condition undefined for an unconditional discriminator */
  forward(picture: Tensor, condition?: Tensor): Tensor;
}

/** Initial weights, for --init. */
export const INITS = ['tutorial', 'paper', 'he'] as const;
export type Init = (typeof INITS)[number];

/** Shapes of weights by name. They are enough to recognise the network. */
export type Weights = ReadonlyMap<string, { readonly shape: readonly number[] }>;

interface NetworkKind {
  /** Names the network in messages. */
  readonly title: string;
  /** The norms that it can have. */
  readonly norms: readonly NormKind[];
  /** Its initial biases. */
  readonly biases: InitOptions['biases'];
}

/** A row of `GENERATORS`: everything that the program knows about a kind of generator. */
export interface GeneratorKind<G extends PictureGenerator = PictureGenerator> extends NetworkKind {
  /** The names that --netG offers, and their help text. */
  readonly choices: readonly string[];
  readonly help: string;
  /** The sizes that a name stands for; undefined if the name is not of this kind. */
  parse(name: string): Partial<GeneratorConfig> | undefined;
  /** The inverse of `parse`. */
  nameOf(config: GeneratorConfig): string;
  /** Describes the network and its size. */
  describe(config: GeneratorConfig, norm: NormKind): string;
  /** The sizes to start from when a preset's generator is replaced by one of this kind. */
  readonly defaults: GeneratorConfig;
  /** The initial weights to start from then; undefined keeps the preset's. */
  readonly init?: Init;
  sidesOf(config: GeneratorConfig): SidesOf;
  create(device: Device, config: GeneratorConfig, norm: NormKind, rng: Rng): G;
  /**
   * Adds the network in evaluation mode to an ONNX graph, and returns its output. Both use the network's own range of
   * values.
   */
  graph(graph: OnnxGraph, generator: G, condition: Value): Value;
  /** The name of a weight that every generator of this kind has, and no other network. */
  readonly mark: string;
  /** The configuration that weights under PyTorch's names have; undefined if they are not of this kind. */
  recognise(weights: Weights): { norm: NormKind; generator: GeneratorConfig } | undefined;
  /** Whether the names of weights reveal dropout, because it takes a place among the layers. */
  readonly namesTellDropout?: boolean;
  /** Describes such weights in messages: the network, and the name of one. */
  readonly recognised: string;
  /** The side of the pictures that such weights were most likely trained with. */
  usualSide(config: GeneratorConfig): number;
}

/** A row of `DISCRIMINATORS`. */
export interface DiscriminatorKind extends NetworkKind {
  /** Its name in progress lines. */
  label(layers: number): string;
  /** Its usual channels of the first level. */
  readonly hidden: number;
  /** Whether --n_layers_D sets the size of a patch. */
  readonly layered?: boolean;
  /** The smallest picture side that gives a logit. */
  leastSide(layers: number): number;
  /**
   * @param inChannels channels of its input: picture and condition together, or the picture alone
   * @param layers convolutions of stride 2, if there is a choice
   */
  create(device: Device, config: { inChannels: number; hidden: number; norm: NormKind; layers: number }): Discriminator;
}
