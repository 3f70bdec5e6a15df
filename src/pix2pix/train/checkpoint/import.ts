import { detachedDevice } from '../../../engine/gpu/dry_run.ts';
import { Rng } from '../../../engine/ops/random/rng.ts';
import { PixtapeError } from '../../../engine/util/errors.ts';
import { encodeSafetensors, type NamedTensor } from '../../../engine/util/safetensors.ts';
import { createGenerator, type GeneratorParts } from '../../models/networks.ts';
import { GENERATORS, NETS_G } from '../../models/registry/generators.ts';
import type { Weights } from '../../models/registry/kind.ts';
import { PRESETS, type TrainConfig } from '../config/config.ts';
import { encodeHeader, generatorOf, restoreGenerator } from './state.ts';

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
  const found = recognise(plain, source);
  const preset = Object.values(PRESETS).find(({ netG }) => netG === found.netG) ?? PRESETS.paper;
  const side = GENERATORS[found.netG].usualSide(found.generator);
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

/** Of instance norms, old files have statistics that were never used. */
const isStatistic = (name: string): boolean => /\.(running_mean|running_var|num_batches_tracked)$/.test(name);

/** @throws PixtapeError if the weights are of no kind of generator that is known here. */
function recognise(weights: Weights, source: string): GeneratorParts {
  for (const netG of NETS_G) {
    const parts = GENERATORS[netG].recognise(weights);
    if (parts) return { netG, ...parts };
  }
  const some = [...weights.keys()].slice(0, 3).join(', ');
  throw new PixtapeError(
    `${source}: these are not the weights of a generator that is known here (${some}, …)`,
    `Known are ${Object.values(GENERATORS)
      .map((kind) => kind.recognised)
      .join(' and ')}.`,
  );
}
