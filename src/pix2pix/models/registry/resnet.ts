import { NORMS, type NormKind } from '../../../engine/nn/norm.ts';
import { PAPER_GENERATOR } from '../generators/config.ts';
import { ResnetGenerator, resnetSides } from '../generators/resnet.ts';
import { resnetGraph } from '../onnx/resnet.ts';
import type { GeneratorKind, Weights } from './kind.ts';
import { describeNormed } from './names.ts';

const FIRST = 'model.1.weight';
const block = (i: number) => `model.${10 + i}.conv_block`;

/** CycleGAN's generator; `depth` is the number of residual blocks. */
export const RESNET: GeneratorKind<ResnetGenerator> = {
  title: "CycleGAN's ResNet generator",
  norms: NORMS,
  biases: 'zero',
  choices: ['resnet_6blocks', 'resnet_9blocks'],
  help: "CycleGAN's, of 6 or 9 residual blocks",
  parse: (name) => {
    const depth = Number(/^resnet_(\d+)blocks$/.exec(name)?.[1]);
    return Number.isInteger(depth) && depth >= 1 ? { depth } : undefined;
  },
  nameOf: ({ depth }) => `resnet_${depth}blocks`,
  describe: ({ hidden, depth }, norm) => describeNormed(`resnet_${depth}blocks`, hidden, norm),
  defaults: { ...PAPER_GENERATOR, depth: 9 },
  init: 'paper',
  sidesOf: ({ depth }) => resnetSides(depth),
  create: (device, config, norm, rng) => new ResnetGenerator(device, { ...config, norm }, rng),
  graph: resnetGraph,
  mark: 'model.10.conv_block.1.weight',
  recognise,
  namesTellDropout: true,
  recognised: 'CycleGAN’s ResNets (model.1.weight, model.10.conv_block.1.weight, …)',
  usualSide: ({ depth }) => (depth >= 9 ? 256 : 128),
};

function recognise(weights: Weights): ReturnType<GeneratorKind['recognise']> {
  const first = weights.get(FIRST);
  if (!first || !weights.has(`${block(0)}.1.weight`)) return undefined;
  let depth = 1;
  while (weights.has(`${block(depth)}.1.weight`)) depth++;
  const [hidden = 0, inChannels = 0] = first.shape;
  const [outChannels = 0] = weights.get(`model.${10 + depth + 7}.weight`)?.shape ?? [];
  let norm: NormKind = weights.has('model.1.bias') ? 'instance' : 'none';
  if (weights.has('model.2.weight')) norm = 'batch';
  // Dropout has no weights, but takes an index.
  const dropout = weights.has(`${block(0)}.6.weight`) ? 0.5 : 0;
  return { norm, generator: { ...PAPER_GENERATOR, inChannels, outChannels, hidden, depth, dropout } };
}
