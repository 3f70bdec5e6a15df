import type { Device } from '../../../engine/gpu/device.ts';
import { convTuning } from '../../../engine/ops/conv/tuning/tuning.ts';
import { encodeSafetensors } from '../../../engine/util/safetensors.ts';
import { writeSafetensorsAtomic } from '../../../files/files.ts';
import { DcganGenerator } from '../../models/dcgan.ts';
import { dcganConfig, GAN_PRESETS, type GanConfig } from '../config/gan_config.ts';
import { Gan } from '../steps/gan.ts';
import { allTensors, generatorTensors, reading } from './checkpoint.ts';
import {
  type CheckpointHeader,
  captureState,
  checkFields,
  decodeDescription,
  encodeHeader,
  GAN_FORMAT,
  ofFile,
  restoreGenerator,
  restoreState,
} from './state.ts';
import { recordedTuning, tuningRecord } from './tuning_record.ts';

export type GanHeader = CheckpointHeader<GanConfig>;

/** Writes the whole state. A file of that name is replaced only once the new one is complete on disk. */
export async function saveGan(path: string, model: Gan, run: Record<string, unknown>): Promise<void> {
  const state = await captureState(model);
  const record = { ...run, tuning: tuningRecord(model.device) };
  const header = encodeHeader({ config: model.config, step: model.step, run: record }, GAN_FORMAT);
  await writeSafetensorsAtomic(path, encodeSafetensors(state, header));
}

/** @throws PixtapeError if the file is missing, truncated, or not a GAN's checkpoint */
export function readGanHeader(path: string): Promise<GanHeader> {
  return reading(path, async (file) => decode(file.metadata, path));
}

/**
 * Loads a GAN with the state of a checkpoint, to continue from its step.
 * @param config may change settings that do not alter the model, e.g. learning rates
 * @throws PixtapeError as `readGanHeader`, and if a tensor does not fit
 */
export function loadGan(device: Device, path: string, config?: GanConfig): Promise<{ model: Gan; header: GanHeader }> {
  return reading(path, async (file) => {
    const header = decode(file.metadata, path);
    convTuning(device).table ??= recordedTuning(header.run, device);
    const model = ofFile(path, () => new Gan(device, config ?? header.config, { initialise: false }));
    restoreState(model, await allTensors(file), header.step, path);
    return { model, header };
  });
}

/** Loads only the generator, which is enough to make pictures. */
export function loadGanGenerator(
  device: Device,
  path: string,
): Promise<{ generator: DcganGenerator; header: GanHeader }> {
  return reading(path, async (file) => {
    const header = decode(file.metadata, path);
    convTuning(device).table ??= recordedTuning(header.run, device);
    const generator = ofFile(path, () => new DcganGenerator(device, dcganConfig(header.config)));
    restoreGenerator(generator, await generatorTensors(file), path);
    return { generator, header };
  });
}

function decode(metadata: Readonly<Record<string, string>>, path: string): GanHeader {
  return decodeDescription(metadata, path, GAN_FORMAT, (config) => {
    checkFields(config, GAN_PRESETS.dcgan, 'config');
    const given = config as GanConfig;
    if (!Array.isArray(given.classes) || given.classes.some((name) => typeof name !== 'string')) {
      throw new Error(`config.classes is ${JSON.stringify(given.classes)}`);
    }
    return given;
  });
}
