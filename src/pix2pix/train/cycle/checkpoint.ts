import type { Device } from '../../../engine/gpu/device.ts';
import type { StateEntry } from '../../../engine/nn/module.ts';
import { convTuning } from '../../../engine/ops/conv/tuning/tuning.ts';
import { encodeSafetensors } from '../../../engine/util/safetensors.ts';
import { writeSafetensorsAtomic } from '../../../files/files.ts';
import { allTensors, reading } from '../checkpoint/checkpoint.ts';
import {
  type CheckpointHeader,
  CYCLE_FORMAT,
  captureEntries,
  checkConfig,
  decodeDescription,
  encodeHeader,
  optimizerEntries,
  restoreEntries,
} from '../checkpoint/state.ts';
import { recordedTuning, tuningRecord } from '../checkpoint/tuning_record.ts';
import type { CycleConfig } from './config.ts';
import { CycleGan } from './cycle_gan.ts';

export type CycleHeader = CheckpointHeader<CycleConfig>;

/** The state to continue from: the four networks under PyTorch's names, both optimizers, both pools. */
function entries(model: CycleGan): StateEntry[] {
  const { netGA, netGB, netDA, netDB, optimG, optimD, poolA, poolB } = model;
  const generators = [...netGA.stateEntries('G_A.'), ...netGB.stateEntries('G_B.')];
  const judges = [...netDA.stateEntries('D_A.'), ...netDB.stateEntries('D_B.')];
  const pools = Object.entries({ pool_A: poolA, pool_B: poolB }).flatMap(([name, { pictures }]): StateEntry[] =>
    pictures ? [{ name, tensor: pictures, kind: 'buffer' }] : [],
  );
  return [
    ...generators,
    ...judges,
    ...optimizerEntries('G', generators, optimG),
    ...optimizerEntries('D', judges, optimD),
    ...pools,
  ];
}

/** Writes the whole state. A file of that name is replaced only once the new one is complete on disk. */
export async function saveCycleGan(path: string, model: CycleGan, run: Record<string, unknown>): Promise<void> {
  const state = await captureEntries(entries(model), model);
  const record = { ...run, tuning: tuningRecord(model.device) };
  const header = encodeHeader({ config: model.config, step: model.step, run: record }, CYCLE_FORMAT);
  await writeSafetensorsAtomic(path, encodeSafetensors(state, header));
}

/** @throws PixtapeError if the file is missing, truncated, or not a CycleGAN's checkpoint */
export function readCycleHeader(path: string): Promise<CycleHeader> {
  return reading(path, async (file) => decodeCycle(file.metadata, path));
}

/**
 * Loads a CycleGAN with the state of a checkpoint, to continue from its step.
 * @param config may change settings that do not alter the model, e.g. learning rates
 * @throws PixtapeError as `readCycleHeader`, and if a tensor does not fit
 */
export function loadCycleGan(device: Device, path: string, config?: CycleConfig): Promise<CycleGan> {
  return reading(path, async (file) => {
    const header = decodeCycle(file.metadata, path);
    convTuning(device).table ??= recordedTuning(header.run, device);
    const model = new CycleGan(device, config ?? header.config, { initialise: false });
    restoreEntries(entries(model), model, await allTensors(file), header.step, path);
    return model;
  });
}

export function decodeCycle(metadata: Readonly<Record<string, string>>, path: string): CycleHeader {
  return decodeDescription(metadata, path, CYCLE_FORMAT, (given) => {
    const config = checkConfig(given) as CycleConfig;
    for (const name of ['lambdaA', 'lambdaB', 'lambdaIdentity', 'poolSize'] as const) {
      if (typeof config[name] !== 'number') throw new Error(`config.${name} is ${JSON.stringify(config[name])}`);
    }
    return config;
  });
}
