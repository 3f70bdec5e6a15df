import type { NamedTensor } from '../../../engine/util/safetensors.ts';
import { restoreState } from '../../../pix2pix/train/checkpoint/state.ts';
import type { TrainConfig } from '../../../pix2pix/train/config/config.ts';
import { Pix2Pix } from '../../../pix2pix/train/steps/pix2pix.ts';
import { lossOf, openPageDevice } from '../../shared/device.ts';
import type { TrainEvent } from '../types.ts';

/** The state of a run, as a checkpoint holds it. */
export interface Snapshot {
  step: number;
  tensors: ReadonlyMap<string, NamedTensor>;
}

/** The device of a model was lost before the model was there; the message is the reason. */
export class LostAgain extends Error {}

/** Builds a model on a device of its own and compiles its step. @throws LostAgain if that device is lost meanwhile */
export async function build(
  config: TrainConfig,
  from: Snapshot | undefined,
  emit: (event: TrainEvent) => void,
): Promise<Pix2Pix> {
  const device = await openPageDevice();
  // Kernels of a device that is lost may come in for a while.
  let waiting = true;
  try {
    const model = new Pix2Pix(device, config, { initialise: from === undefined });
    if (from) restoreState(model, from.tensors, from.step, 'the checkpoint');
    await model.prepare({
      onCompiled: (done, total) => waiting && emit({ kind: 'compiling', done, total }),
    });
    return model;
  } catch (error) {
    waiting = false;
    const why = await lossOf(device);
    device.destroy();
    throw why === undefined ? error : new LostAgain(why, { cause: error });
  }
}
