import { detachedDevice } from '../../../engine/gpu/dry_run.ts';
import type { NormKind } from '../../../engine/nn/norm.ts';
import { Rng } from '../../../engine/ops/random/rng.ts';
import { PixtapeError } from '../../../engine/util/errors.ts';
import { encodeSafetensors, type NamedTensor } from '../../../engine/util/safetensors.ts';
import { PAPER_GENERATOR, TUTORIAL_GENERATOR } from '../../models/generator.ts';
import { createGenerator, type NetworksConfig } from '../../models/networks.ts';
import { PRESETS, type TrainConfig } from '../config/config.ts';
import { encodeHeader, generatorOf, restoreGenerator } from './state.ts';

type Weights = ReadonlyMap<string, NamedTensor>;
type GeneratorParts = Pick<NetworksConfig, 'netG' | 'norm' | 'generator'>;

export interface ImportOptions {
  /** The size of picture that it was trained at; by default 256 × 256, or what a smaller U-Net has its name from. */
  size?: { width: number; height: number };
  /** Rate of its dropout, for `translate --dropout`: weights do not tell it. */
  dropout: number;
  /** Where the weights come from, for the file's record. */
  source: string;
}

/**
 * A generator's weights, under the names of PyTorch's `state_dict()`, as a checkpoint that paints: as safetensors pieces,
 * with the configuration that was found. Takes the widely used implementation's U-Net and the tutorial's generator, of
 * any size; what else names and shapes do not tell (dropout, size of the pictures) `options` do.
 * @throws PixtapeError if the weights are not those of such a generator.
 */
export async function importGenerator(
  weights: Weights,
  { size, dropout, source }: ImportOptions,
): Promise<{ config: TrainConfig; pieces: Uint8Array[] }> {
  // Of a model with both networks, as Lightning saves the tutorial's, the generator.
  const own = generatorOf(weights);
  const plain = new Map([...own].map(([name, tensor]) => [name.replace(/^module\./, ''), tensor]));
  const found = isUnet(plain) ? describeUnet(plain) : describeTutorial(plain, source);
  const preset = PRESETS[found.netG === 'unet' ? 'paper' : 'tutorial'];
  const side = usualSide(found);
  const { width, height } = size ?? { width: side, height: side };
  const config = { ...preset, ...found, generator: { ...found.generator, dropout }, width, height };

  const paper = await detachedDevice();
  const wanted = createGenerator(paper, config, new Rng(paper, 0));
  const tensors = new Map<string, NamedTensor>();
  for (const [name, tensor] of plain) {
    if (found.norm !== 'instance' || !isStatistic(name)) tensors.set(name, tensor);
  }
  // Weights of before PyTorch 0.4 do not count their batches, and nothing depends on the count.
  for (const { name, kind } of wanted.stateEntries()) {
    if (kind === 'counter' && !tensors.has(name)) {
      tensors.set(name, { dtype: 'I64', shape: [], data: new BigInt64Array(1) });
    }
  }
  restoreGenerator(wanted, tensors, source); // Checks names, types and shapes; on paper nothing is kept.
  const header = encodeHeader({ config, step: 0, run: { preset: 'imported', source } });
  return { config, pieces: encodeSafetensors(tensors, header) };
}

/** What a U-Net has its name from; of the tutorial's 256, or more where it is too deep for that. */
const usualSide = ({ netG, generator: { depth } }: GeneratorParts): number =>
  netG === 'unet' ? 2 ** depth : Math.max(256, 2 ** depth);

/** Of instance norms, old files have statistics that were never used. */
const isStatistic = (name: string): boolean => /\.(running_mean|running_var|num_batches_tracked)$/.test(name);

const UNET_FIRST = 'model.model.0.weight';

const isUnet = (weights: Weights): boolean => weights.has(UNET_FIRST);

function describeUnet(weights: Weights): GeneratorParts {
  const level = (i: number) => `model.model.1${'.model.3'.repeat(i - 1)}.model`;
  let depth = 1;
  while (weights.has(`${level(depth)}.1.weight`)) depth++;
  const [hidden = 0, inChannels = 0] = weights.get(UNET_FIRST)?.shape ?? [];
  const [, outChannels = 0] = weights.get('model.model.3.weight')?.shape ?? [];
  let norm: NormKind = 'none';
  if (weights.has(`${level(1)}.2.weight`)) norm = 'batch';
  else if (weights.has(`${level(1)}.1.bias`)) norm = 'instance';
  return { netG: 'unet', norm, generator: { ...PAPER_GENERATOR, inChannels, outChannels, hidden, depth } };
}

function describeTutorial(weights: Weights, source: string): GeneratorParts {
  const [first, final] = [weights.get('conv1.weight'), weights.get('conv_final.weight')];
  if (!first || !final) {
    const some = [...weights.keys()].slice(0, 3).join(', ');
    throw new PixtapeError(
      `${source}: these are not the weights of a generator that is known here (${some}, …)`,
      'Known are pix2pix’s U-Nets (model.model.0.weight, …) and the tutorial’s generator (conv1.weight, …).',
    );
  }
  const [hidden = 0, inChannels = 0] = first.shape;
  let depth = 0;
  while (weights.has(`contracting_layers.${depth}.conv_block1.conv1.weight`)) depth++;
  const sharedNorm = !weights.has('expanding_layers.0.batchnorm2.weight');
  const sizes = { inChannels, outChannels: final.shape[0] ?? 0, hidden, depth };
  return { netG: 'tutorial', norm: 'batch', generator: { ...TUTORIAL_GENERATOR, ...sizes, sharedNorm } };
}
