import { NORMS, type NormKind } from '../../../engine/nn/norm.ts';
import { PAPER_GENERATOR } from '../generator.ts';
import { unetGraph } from '../onnx/unet.ts';
import { LEAST_DOWNS, UnetGenerator, unetSides } from '../unet.ts';
import type { GeneratorKind, Weights } from './kind.ts';

const FIRST = 'model.model.0.weight';

/** The paper's U-Net, of which `depth` is the size: 8 is unet_256. */
export const UNET: GeneratorKind<UnetGenerator> = {
  title: "the paper's U-Net",
  norms: NORMS,
  biases: 'zero',
  choices: ['unet_32', 'unet_64', 'unet_128', 'unet_256', 'unet_512'],
  help: "the paper's U-Net for sides that are multiples of N",
  parse: (name) => {
    const depth = Math.log2(Number(/^unet_(\d+)$/.exec(name)?.[1]));
    return Number.isInteger(depth) && depth >= LEAST_DOWNS ? { depth } : undefined;
  },
  nameOf: ({ depth }) => `unet_${2 ** depth}`,
  describe: ({ hidden, depth }, norm) =>
    `unet_${2 ** depth} of ${hidden} channels${norm === 'batch' ? '' : `, norm ${norm}`}`,
  defaults: PAPER_GENERATOR,
  init: 'paper',
  sidesOf: ({ depth }) => unetSides(depth),
  create: (device, config, norm, rng) => new UnetGenerator(device, { ...config, norm }, rng),
  graph: unetGraph,
  mark: FIRST,
  recognise,
  recognised: 'pix2pix’s U-Nets (model.model.0.weight, …)',
  usualSide: ({ depth }) => 2 ** depth,
};

function recognise(weights: Weights): ReturnType<GeneratorKind['recognise']> {
  const first = weights.get(FIRST);
  if (!first) return undefined;
  const level = (i: number) => `model.model.1${'.model.3'.repeat(i - 1)}.model`;
  let depth = 1;
  while (weights.has(`${level(depth)}.1.weight`)) depth++;
  const [hidden = 0, inChannels = 0] = first.shape;
  const [, outChannels = 0] = weights.get('model.model.3.weight')?.shape ?? [];
  let norm: NormKind = 'none';
  if (weights.has(`${level(1)}.2.weight`)) norm = 'batch';
  else if (weights.has(`${level(1)}.1.bias`)) norm = 'instance';
  return { norm, generator: { ...PAPER_GENERATOR, inChannels, outChannels, hidden, depth } };
}
