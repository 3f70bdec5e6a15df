import { NORMS, type NormKind } from '../../../engine/nn/norm.ts';
import { type GeneratorConfig, PAPER_GENERATOR } from '../generators/config.ts';
import { ResizeUnetGenerator, resizeUnetName, resizeUnetSides } from '../generators/resize_unet.ts';
import { resizeUnetGraph } from '../onnx/resize_unet.ts';
import type { GeneratorKind, Weights } from './kind.ts';
import { depthOfSide, describeNormed } from './names.ts';

const FIRST = 'down.0.conv.weight';
const LAST = 'last.weight';
const DEPTHS = [4, 5, 6, 7, 8];
const SIZES: GeneratorConfig = { ...PAPER_GENERATOR, hidden: 16, depth: 5, dropout: 0 };

/** The U-Net that enlarges by resizing; `depth` is the number of levels: 5 for resize_unet_32. */
export const RESIZE_UNET: GeneratorKind<ResizeUnetGenerator> = {
  title: 'the U-Net that enlarges by resizing',
  help: 'a U-Net that enlarges by resizing',
  norms: NORMS,
  biases: 'zero',
  choices: DEPTHS.map(resizeUnetName),
  parse: (name) => {
    const depth = depthOfSide(name, resizeUnetName, 2);
    return depth === undefined ? undefined : { depth };
  },
  nameOf: ({ depth }) => resizeUnetName(depth),
  describe: ({ hidden, depth }, norm) => describeNormed(resizeUnetName(depth), hidden, norm),
  defaults: SIZES,
  init: 'he',
  sidesOf: ({ depth }) => resizeUnetSides(depth),
  create: (device, config, norm, rng) => new ResizeUnetGenerator(device, { ...config, norm }, rng),
  graph: resizeUnetGraph,
  mark: FIRST,
  recognise,
  recognised: 'resize U-Nets (down.0.conv.weight, …)',
  usualSide: ({ depth }) => 2 ** (depth + 1),
};

function recognise(weights: Weights): ReturnType<GeneratorKind['recognise']> {
  const [first, last] = [weights.get(FIRST), weights.get(LAST)];
  if (!first || !last) return undefined;
  const [hidden = 0, inChannels = 0] = first.shape;
  const [outChannels = 0] = last.shape;
  let depth = 1;
  while (weights.has(`down.${depth}.conv.weight`)) depth++;
  let norm: NormKind = 'none';
  if (weights.has('full.norm.weight')) norm = 'batch';
  else if (!weights.has('full.conv.bias')) norm = 'instance';
  return { norm, generator: { ...SIZES, inChannels, outChannels, hidden, depth } };
}
