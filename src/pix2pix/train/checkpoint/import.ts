import { detachedDevice } from '../../../engine/gpu/dry_run.ts';
import { Rng } from '../../../engine/ops/random/rng.ts';
import { PixtapeError } from '../../../engine/util/errors.ts';
import { fromBFloat16 } from '../../../engine/util/half.ts';
import { encodeSafetensors, type NamedTensor } from '../../../engine/util/safetensors.ts';
import type { WeightsFile } from '../../../files/weights/weights_file.ts';
import { createGenerator, type GeneratorParts } from '../../models/networks.ts';
import { GENERATORS, NETS_G } from '../../models/registry/generators.ts';
import type { Weights } from '../../models/registry/kind.ts';
import { PRESETS, type TrainConfig } from '../config/config.ts';
import { findGenerator } from './find_generator.ts';
import { encodeHeader, ofFile, restoreGenerator } from './state.ts';

export interface ImportOptions {
  /** The picture size that it was trained at; by default 256 × 256, or the size in a smaller U-Net's name. */
  size?: { width: number; height: number };
  /** Its dropout rate, for `translate --dropout`, which the weights do not reveal. */
  dropout: number;
  /** The prefix of the generator's names, if the file holds several. */
  network?: string;
}

/**
 * Turns a generator's weights, under the names of PyTorch's `state_dict()`, into a checkpoint for inference:
 * safetensors pieces, and the configuration derived from names and shapes. Supports all `GENERATORS`, of any size.
 * `options` give what names and shapes do not reveal (dropout, size of the pictures). Reads nothing but the generator.
 * @throws PixtapeError if the weights are not those of a known generator
 */
export async function importGenerator(
  file: Pick<WeightsFile, 'path' | 'entries' | 'read'>,
  { size, dropout, network }: ImportOptions,
): Promise<{ config: TrainConfig; pieces: Uint8Array[] }> {
  const { path: source, entries } = file;
  const names = findGenerator(entries, source, network);
  const shapes = new Map([...names].map(([own, name]) => [own, { shape: entries.get(name)?.shape ?? [] }]));
  const found = recognise(shapes, source);
  const preset = Object.values(PRESETS).find(({ netG }) => netG === found.netG) ?? PRESETS.paper;
  const side = GENERATORS[found.netG].usualSide(found.generator);
  const { width, height } = size ?? { width: side, height: side };
  const told = GENERATORS[found.netG].namesTellDropout ? found.generator.dropout : dropout;
  const generator = { ...found.generator, dropout: told };
  const config = { ...preset, ...found, generator, width, height };

  const dry = await detachedDevice();
  const wanted = ofFile(source, () => createGenerator(dry, config, new Rng(dry, 0)));
  const tensors = new Map<string, NamedTensor>();
  for (const [own, name] of names) {
    if (found.norm !== 'instance' || !isStatistic(own)) tensors.set(own, storable(await file.read(name)));
  }
  // Weights from before PyTorch 0.4 lack the count of batches, which is not used.
  for (const { name, kind } of wanted.stateEntries()) {
    if (kind === 'counter' && !tensors.has(name)) {
      tensors.set(name, { dtype: 'I64', shape: [], data: new BigInt64Array(1) });
    }
  }
  restoreGenerator(wanted, tensors, source); // Checks names, types and shapes; a dry run keeps nothing.
  const header = encodeHeader({ config, step: 0, run: { preset: 'imported', source } });
  return { config, pieces: encodeSafetensors(tensors, header) };
}

/** Old files have statistics of instance norms, which were never used. */
const isStatistic = (name: string): boolean => /\.(running_mean|running_var|num_batches_tracked)$/.test(name);

/** `findGenerator` looks for one name only; the others can still be missing. */
function recognise(weights: Weights, source: string): GeneratorParts {
  for (const netG of NETS_G) {
    const parts = GENERATORS[netG].recognise(weights);
    if (parts) return { netG, ...parts };
  }
  throw new PixtapeError(
    `${source} holds only a part of a generator (${[...weights.keys()].slice(0, 3).join(', ')}, …): its first layer is missing`,
    'Save the whole generator again: torch.save(netG.state_dict(), FILE).',
  );
}

/** Converts to a type that checkpoints have: float64 is rounded to float32, bfloat16 converts exactly. */
function storable(tensor: NamedTensor): NamedTensor {
  const { dtype, shape, data } = tensor;
  if (dtype === 'F64') return { dtype: 'F32', shape, data: Float32Array.from(data) };
  if (dtype === 'BF16') return { dtype: 'F32', shape, data: fromBFloat16(data) };
  return tensor;
}
