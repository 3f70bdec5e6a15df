import { TUTORIAL_GENERATOR } from '../generators/config.ts';
import { Generator, tutorialSides } from '../generators/tutorial.ts';
import { tutorialGraph } from '../onnx/tutorial.ts';
import type { GeneratorKind, Weights } from './kind.ts';

const LAST = 'conv_final.weight';

/** The tutorial's generator. */
export const TUTORIAL: GeneratorKind<Generator> = {
  title: "the tutorial's generator",
  norms: ['batch'],
  biases: 'uniform',
  choices: ['tutorial'],
  help: "the tutorial's",
  parse: (name) => (name === 'tutorial' ? {} : undefined),
  nameOf: () => 'tutorial',
  describe: ({ hidden, depth }) => `U-Net ${hidden}/${depth}`,
  defaults: TUTORIAL_GENERATOR,
  sidesOf: ({ depth }) => tutorialSides(depth),
  create: (device, config, _, rng) => new Generator(device, config, rng),
  graph: tutorialGraph,
  mark: LAST,
  recognise,
  recognised: 'the tutorial’s generator (conv1.weight, …)',
  usualSide: ({ depth }) => Math.max(256, 2 ** depth),
};

function recognise(weights: Weights): ReturnType<GeneratorKind['recognise']> {
  const [first, final] = [weights.get('conv1.weight'), weights.get(LAST)];
  if (!first || !final) return undefined;
  const [hidden = 0, inChannels = 0] = first.shape;
  let depth = 0;
  while (weights.has(`contracting_layers.${depth}.conv_block1.conv1.weight`)) depth++;
  const sharedNorm = !weights.has('expanding_layers.0.batchnorm2.weight');
  const sizes = { inChannels, outChannels: final.shape[0] ?? 0, hidden, depth };
  return { norm: 'batch', generator: { ...TUTORIAL_GENERATOR, ...sizes, sharedNorm } };
}
