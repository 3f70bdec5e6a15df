import { createHash } from 'node:crypto';
import { givenFlags } from '../../../src/cli/flags/flags.ts';
import { freshConfig, freshRecord } from '../../../src/cli/train/config.ts';
import { trainFlags } from '../../../src/cli/train/flags.ts';
import { lastStep } from '../../../src/cli/train/schedule.ts';
import type { Device } from '../../../src/engine/gpu/device.ts';
import { encodeSafetensors, type NamedTensor } from '../../../src/engine/util/safetensors.ts';
import { writeSafetensorsAtomic } from '../../../src/files/files.ts';
import { BatchLoader } from '../../../src/pix2pix/data/sets/batches.ts';
import { openDataset } from '../../../src/pix2pix/data/sources/open.ts';
import { generatorName } from '../../../src/pix2pix/models/networks.ts';
import { type CheckpointHeader, captureState } from '../../../src/pix2pix/train/checkpoint/state.ts';
import type { TrainConfig } from '../../../src/pix2pix/train/config/config.ts';
import { learningRates } from '../../../src/pix2pix/train/config/rates.ts';
import { toNetwork } from '../../../src/pix2pix/train/config/value_range.ts';
import { Pix2Pix } from '../../../src/pix2pix/train/steps/pix2pix.ts';

/**
 * Writes all that a run of `pixtape train` begins with and is fed, so that PyTorch can train the same:
 * `tools/pytorch/python/torch_train.py` says what the file holds.
 * @param words the command's flags
 * @returns the head of a checkpoint of that run's end
 * @throws Error naming what of the configuration PyTorch's side does not have
 */
export async function writeProblem(device: Device, words: readonly string[], path: string): Promise<CheckpointHeader> {
  const { flags, given } = readTrainFlags(words);
  const config = freshConfig(flags, given);
  const record = freshRecord(flags, config);
  const described = torchConfig(config);

  const { width, height, seed, batch } = config;
  const channels = { condition: config.generator.inChannels, real: config.generator.outChannels };
  const { train } = await openDataset({ ...record.data, channels, width, height, seed, warn: console.warn });
  const loader = new BatchLoader(train, { batchSize: batch, seed, serial: record.data.serial });
  const steps = lastStep(flags, config, loader.stepsPerEpoch);
  const rates = Array.from({ length: steps }, (_, step) => learningRates(config, step / loader.stepsPerEpoch));

  const model = new Pix2Pix(device, config);
  const state = await captureState(model);
  const floats = (data: Float32Array, ...shape: number[]): NamedTensor => ({ dtype: 'F32', shape, data });
  const tensors = new Map([...state].filter(([name]) => /^(gen|disc)\./.test(name)));
  tensors.set(
    'rates.gen',
    floats(
      Float32Array.from(rates, ({ gen }) => gen),
      steps,
    ),
  );
  tensors.set(
    'rates.disc',
    floats(
      Float32Array.from(rates, ({ disc }) => disc),
      steps,
    ),
  );

  const pairs = new DistinctPairs(batch);
  for (let step = 0; step < steps; step++) pairs.add(await loader.batch(step));
  const { real, condition, order } = pairs;
  const picture = (planes: number, all: Float32Array[]) =>
    floats(toNetwork(joined(all), model.generator.range), all.length, planes, height, width);
  tensors.set('pairs.real', picture(channels.real, real));
  tensors.set('pairs.condition', picture(channels.condition, condition));
  tensors.set('order', { dtype: 'I64', shape: [steps, batch], data: BigInt64Array.from(order, BigInt) });
  await writeSafetensorsAtomic(path, encodeSafetensors(tensors, { config: JSON.stringify(described) }));
  return { config, step: steps, run: { ...record } };
}

/** The flags of `pixtape train`, and those of them that are given. */
export function readTrainFlags(words: readonly string[]) {
  const command = trainFlags().exitOverride();
  command.parse([...words], { from: 'user' });
  const flags = command.opts();
  return { flags, given: givenFlags(command, flags) };
}

/** The configuration as `networks` and `train` of torch_pix2pix.py read it. */
function torchConfig(config: TrainConfig): Record<string, unknown> {
  const { generator, netG, netD, norm, discHidden, discConditional, ganMode, reuseFake } = config;
  const { lambdaL1: lambda, lambdaSsim, ema, lr, beta1, beta2, seed } = config;
  const lacking = [
    netG === 'tutorial' || /^(resize_)?unet_\d+$/.test(generatorName(config)) ? '' : `--netG ${generatorName(config)}`,
    ['tutorial', 'basic', 'pixel'].includes(netD) ? '' : `--netD ${netD}`,
    lambdaSsim === 0 ? '' : `--lambda_ssim ${lambdaSsim}`,
    ema === 0 ? '' : `--ema ${ema}`,
  ].filter(Boolean);
  if (lacking.length > 0) throw new Error(`torch_pix2pix.py has no ${lacking.join(', no ')}`);
  return {
    ...generator,
    ...{ netG: generatorName(config), netD, norm, discHidden, discConditional, ganMode, reuseFake },
    ...{ lambda, lr, beta1, beta2, seed },
  };
}

/** The pairs that batches are made of, each once, and which of them are in each batch. */
class DistinctPairs {
  readonly real: Float32Array[] = [];
  readonly condition: Float32Array[] = [];
  readonly order: number[] = [];
  private readonly batch: number;
  private readonly known = new Map<string, number>();

  constructor(batch: number) {
    this.batch = batch;
  }

  add(batch: { real: Float32Array; condition: Float32Array }): void {
    for (let i = 0; i < this.batch; i++) {
      const part = (all: Float32Array) => all.slice((i * all.length) / this.batch, ((i + 1) * all.length) / this.batch);
      const [real, condition] = [part(batch.real), part(batch.condition)];
      const key = createHash('sha256').update(real).update(condition).digest('base64');
      if (!this.known.has(key)) {
        this.known.set(key, this.known.size);
        this.real.push(real);
        this.condition.push(condition);
      }
      this.order.push(this.known.get(key) as number);
    }
  }
}

function joined(pictures: readonly Float32Array[]): Float32Array {
  const size = pictures[0]?.length ?? 0;
  const all = new Float32Array(pictures.length * size);
  pictures.forEach((picture, i) => {
    all.set(picture, i * size);
  });
  return all;
}
