import { NORMS, type NormKind } from '../../../engine/nn/norm.ts';
import { PAPER_GENERATOR } from '../generators/config.ts';
import { LEAST_DOWNS, UnetGenerator, unetName, unetSides } from '../generators/unet.ts';
import { unetGraph } from '../onnx/unet.ts';
import type { GeneratorKind, Weights } from './kind.ts';
import { depthOfSide, describeNormed } from './names.ts';

const FIRST = 'model.model.0.weight';
const LAST = 'model.model.3.weight';
const DEPTHS = [5, 6, 7, 8, 9];

/** The paper's U-Net; `depth` is the number of levels: 8 for unet_256. */
export const UNET = kindOf(true, {
  title: "the paper's U-Net",
  help: "the paper's U-Net for sides that are multiples of N",
  recognised: 'pix2pix’s U-Nets (model.model.0.weight, …)',
});

/** The paper's encoder–decoder: the U-Net without its skip connections. */
export const ENCODER_DECODER = kindOf(false, {
  title: "the paper's encoder–decoder",
  help: 'the same without skips (encoder_decoder)',
  recognised: 'U-Nets without skips, of the same names',
});

function kindOf(
  skips: boolean,
  texts: Pick<GeneratorKind, 'title' | 'help' | 'recognised'>,
): GeneratorKind<UnetGenerator> {
  const nameOf = ({ depth }: { depth: number }) => unetName({ depth, skips });
  return {
    ...texts,
    norms: NORMS,
    biases: 'zero',
    choices: DEPTHS.map((depth) => nameOf({ depth })),
    parse: (name) => {
      const depth = depthOfSide(name, (depth) => nameOf({ depth }), LEAST_DOWNS);
      return depth === undefined ? undefined : { depth };
    },
    nameOf,
    describe: (config, norm) => describeNormed(nameOf(config), config.hidden, norm),
    defaults: PAPER_GENERATOR,
    init: 'paper',
    sidesOf: ({ depth }) => unetSides({ depth, skips }),
    create: (device, config, norm, rng) => new UnetGenerator(device, { ...config, norm, skips }, rng),
    graph: unetGraph,
    mark: FIRST,
    recognise: (weights) => recognise(weights, skips),
    usualSide: ({ depth }) => 2 ** depth,
  };
}

/** The last layer distinguishes the two: a skip doubles its input channels. */
function recognise(weights: Weights, skips: boolean): ReturnType<GeneratorKind['recognise']> {
  const first = weights.get(FIRST);
  const [hidden = 0, inChannels = 0] = first?.shape ?? [];
  const [into = 0, outChannels = 0] = weights.get(LAST)?.shape ?? [];
  if (!first || (into !== hidden) !== skips) return undefined;
  const level = (i: number) => `model.model.1${'.model.3'.repeat(i - 1)}.model`;
  let depth = 1;
  while (weights.has(`${level(depth)}.1.weight`)) depth++;
  let norm: NormKind = 'none';
  if (weights.has(`${level(1)}.2.weight`)) norm = 'batch';
  else if (weights.has(`${level(1)}.1.bias`)) norm = 'instance';
  return { norm, generator: { ...PAPER_GENERATOR, inChannels, outChannels, hidden, depth } };
}
