import type { Device } from '../../../engine/gpu/device.ts';
import { convTuning } from '../../../engine/ops/conv/tuning/tuning.ts';
import { Rng } from '../../../engine/ops/random/rng.ts';
import { encodeSafetensors, type NamedTensor } from '../../../engine/util/safetensors.ts';
import { readSafetensors, type SafetensorsFile, writeSafetensorsAtomic } from '../../../files/files.ts';
import { createGenerator } from '../../models/networks.ts';
import type { PictureGenerator } from '../../models/registry/kind.ts';
import { type ModelOptions, Pix2Pix } from '../steps/pix2pix.ts';
import {
  type CheckpointHeader,
  type CycleGenerator,
  captureState,
  decodeHeader,
  decodePainter,
  encodeHeader,
  generatorNames,
  ofFile,
  restoreGenerator,
  restoreState,
} from './state.ts';
import { recordedTuning, tuningRecord } from './tuning_record.ts';

/**
 * Writes the model's whole state, and adds to the record which kernels it uses. A file of that name is replaced only
 * once the new one is complete on disk.
 */
export async function saveCheckpoint(path: string, model: Pix2Pix, run: Record<string, unknown>): Promise<void> {
  const tensors = await captureState(model);
  const header = encodeHeader({
    config: model.config,
    step: model.step,
    run: { ...run, tuning: tuningRecord(model.device) },
  });
  await writeSafetensorsAtomic(path, encodeSafetensors(tensors, header));
}

/**
 * Reads the configuration and counters of a checkpoint without its tensors, but checks that these are complete.
 * @throws PixtapeError if the file is missing, truncated, or not one of our checkpoints
 */
export function readPainterHeader(path: string, network?: CycleGenerator): Promise<CheckpointHeader> {
  return reading(path, async (file) => decodePainter(file.metadata, path, network).header);
}

/** As `readPainterHeader`, for a checkpoint of Pix2Pix. */
export function readCheckpointHeader(path: string): Promise<CheckpointHeader> {
  return reading(path, async (file) => decodeHeader(file.metadata, path));
}

/**
 * Loads a model with the state of a checkpoint, to continue from its step. A device without a tuning table takes the
 * record's, if it is for the same adapter. The run then continues with the kernels that it began with.
 * @param adjust may change settings that do not alter the model, e.g. learning rates
 * @param options of the model
 * @throws PixtapeError as `readCheckpointHeader`, and if a tensor does not fit
 */
export function loadCheckpoint(
  device: Device,
  path: string,
  adjust: (header: CheckpointHeader) => CheckpointHeader = (h) => h,
  options: ModelOptions = {},
): Promise<{ model: Pix2Pix; header: CheckpointHeader }> {
  return reading(path, async (file) => {
    const header = adjust(decodeHeader(file.metadata, path));
    convTuning(device).table ??= recordedTuning(header.run, device);
    const model = ofFile(path, () => new Pix2Pix(device, header.config, { ...options, initialise: false }));
    restoreState(model, await allTensors(file), header.step, path);
    return { model, header };
  });
}

/**
 * Loads only the generator of a checkpoint, which takes a third of the memory.
 * @param seed of its dropout, if it is used with dropout; by default the run's
 * @param network which of a CycleGAN's generators; by default G_A
 */
export function loadGenerator(
  device: Device,
  path: string,
  seed?: number,
  network?: CycleGenerator,
): Promise<{ generator: PictureGenerator; rng: Rng; header: CheckpointHeader }> {
  return reading(path, async (file) => {
    const { header, prefix } = decodePainter(file.metadata, path, network);
    convTuning(device).table ??= recordedTuning(header.run, device);
    const rng = new Rng(device, seed ?? header.config.seed);
    const generator = ofFile(path, () => createGenerator(device, header.config, rng));
    restoreGenerator(generator, await generatorTensors(file, prefix), path);
    return { generator, rng, header };
  });
}

/** Opens a safetensors file while `use` runs. */
export async function reading<T>(path: string, use: (file: SafetensorsFile) => Promise<T>): Promise<T> {
  const file = await readSafetensors(path);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

export async function allTensors(file: SafetensorsFile): Promise<Map<string, NamedTensor>> {
  const values = new Map<string, NamedTensor>();
  for (const name of file.entries.keys()) values.set(name, await file.read(name));
  return values;
}

/** Reads the generator's tensors, under its own names, and nothing else. */
export async function generatorTensors(file: SafetensorsFile, prefix?: string): Promise<Map<string, NamedTensor>> {
  const values = new Map<string, NamedTensor>();
  for (const [own, name] of generatorNames(file.entries.keys(), prefix)) values.set(own, await file.read(name));
  return values;
}
