import { resolve } from 'node:path';
import { SSIM_WINDOW } from '../../engine/ops/loss/ssim.ts';
import { PixtapeError } from '../../engine/util/errors.ts';
import { checkNetworks, generatorName } from '../../pix2pix/models/networks.ts';
import type { RunRecord } from '../../pix2pix/train/checkpoint/run_record.ts';
import { PAPER_DATA, PRESETS, type TrainConfig } from '../../pix2pix/train/config/config.ts';
import type { TrainFlags } from './flags.ts';
import { networksOf } from './networks.ts';

/**
 * The configuration of a fresh run.
 * @param ranks number of ranks. Flags and presets give the batch of each; the configuration has the batch of all.
 * @throws PixtapeError if sizes do not fit
 */
export function freshConfig(flags: Pick<TrainFlags, 'preset'>, given: Partial<TrainFlags>, ranks = 1): TrainConfig {
  const config = applyFlags(PRESETS[flags.preset], given);
  checkChosen(config);
  return { ...config, batch: config.batch * ranks };
}

/** @throws PixtapeError if networks, sizes and epochs do not fit together */
export function checkChosen(config: TrainConfig): void {
  checkNetworks(config, config.width, config.height, config.ganMode !== 'none');
  checkWindow(config);
  if (config.epochs + config.epochsDecay === 0)
    throw new PixtapeError('--n_epochs 0 without --n_epochs_decay: no epoch');
  checkPolicy(config);
}

/** @throws PixtapeError if the flags of the learning rate contradict each other */
export function checkPolicy({ lrPolicy = 'linear', lrDecayIters, epochs }: TrainConfig): void {
  if (lrDecayIters !== undefined && lrPolicy !== 'step') {
    throw new PixtapeError(
      `--lr_decay_iters ${lrDecayIters} is for --lr_policy step; this is --lr_policy ${lrPolicy}`,
      'Add --lr_policy step, or leave --lr_decay_iters out.',
    );
  }
  if (lrPolicy === 'cosine' && epochs === 0) {
    throw new PixtapeError('--lr_policy cosine falls over --n_epochs, which is 0', 'Use a larger --n_epochs.');
  }
}

function checkWindow({ lambdaSsim, width, height }: TrainConfig): void {
  if (lambdaSsim === 0 || Math.min(width, height) >= SSIM_WINDOW) return;
  throw new PixtapeError(
    `--lambda_ssim looks at ${SSIM_WINDOW} × ${SSIM_WINDOW} pixels at a time; --crop_size ${width}x${height} has less`,
    'Use larger pictures, or --lambda_ssim 0.',
  );
}

/** Applies the flags to `base`. */
export function applyFlags(base: TrainConfig, flags: Partial<TrainFlags>): TrainConfig {
  // "L1 alone" drops the structural term, too, unless the flags say otherwise. A continued run keeps its choice.
  const l1Alone = flags.gan_mode === 'none' && base.ganMode !== 'none';
  return {
    ...withoutPolicy(base),
    ...networksOf(base, flags),
    ganMode: flags.gan_mode ?? base.ganMode,
    width: flags.crop_size?.width ?? base.width,
    height: flags.crop_size?.height ?? base.height,
    batch: flags.batch_size ?? base.batch,
    lr: flags.lr ?? base.lr,
    lrDisc: flags.lr_D ?? flags.lr ?? base.lrDisc,
    beta1: flags.beta1 ?? base.beta1,
    beta2: flags.beta2 ?? base.beta2,
    lambdaL1: flags.lambda_L1 ?? base.lambdaL1,
    lambdaSsim: flags.lambda_ssim ?? (l1Alone ? 0 : base.lambdaSsim),
    reuseFake: flags.reuse_fake ?? base.reuseFake,
    recompute: flags.checkpoint_activations ?? base.recompute ?? false,
    ema: flags.ema ?? base.ema,
    precision: flags.precision ?? base.precision ?? 'f32',
    seed: flags.seed ?? base.seed,
    ...policyOf(base, flags),
    epochs: flags.n_epochs ?? base.epochs,
    epochsDecay: flags.n_epochs_decay ?? base.epochsDecay,
  };
}

const withoutPolicy = ({ lrPolicy: _, lrDecayIters: __, ...base }: TrainConfig) => base;

/** A new policy starts with its own constants. */
function policyOf(base: TrainConfig, flags: Partial<TrainFlags>): Pick<TrainConfig, 'lrPolicy' | 'lrDecayIters'> {
  const lrPolicy = flags.lr_policy ?? base.lrPolicy;
  const lrDecayIters = flags.lr_decay_iters ?? (lrPolicy === base.lrPolicy ? base.lrDecayIters : undefined);
  return { ...(lrPolicy ? { lrPolicy } : {}), ...(lrDecayIters === undefined ? {} : { lrDecayIters }) };
}

/**
 * The configuration of a continued run. Flags may change how it learns, but not what it is: the weights would not fit,
 * or the seed's draws would not repeat.
 * @param ranks number of ranks. It may differ from before: the batch of all ranks stays the same, and with it the order
 *   of the pictures and the learning rates
 * @throws PixtapeError naming the flag that would
 */
export function continuedConfig(saved: TrainConfig, given: Partial<TrainFlags>, ranks = 1): TrainConfig {
  const { batch_size: each } = given;
  const config = applyFlags(saved, each === undefined ? given : { ...given, batch_size: each * ranks });
  const fixed: [string, (c: TrainConfig) => unknown][] = [
    ['--netG', generatorName],
    ['--netD', (c) => c.netD],
    ['--gan_mode', (c) => c.ganMode],
    ['--norm', (c) => c.norm],
    ['--input_nc', (c) => c.generator.inChannels],
    ['--output_nc', (c) => c.generator.outChannels],
    ['--ngf', (c) => c.generator.hidden],
    ['--depth', (c) => c.generator.depth],
    ['--dropout', (c) => c.generator.dropout],
    ['--ndf', (c) => c.discHidden],
    ['--n_layers_D', (c) => c.discLayers],
    ['--condition_GAN', (c) => c.discConditional],
    ['--crop_size', (c) => `${c.width}x${c.height}`],
    ['--batch_size', (c) => c.batch],
    ['--init', (c) => c.init],
    ['--ema', (c) => c.ema],
    ['--seed', (c) => c.seed],
    ['--precision', (c) => c.precision ?? 'f32'],
  ];
  for (const [flag, value] of fixed) refuseChange(flag, value(config), value(saved));
  checkWindow(config);
  checkPolicy(config);
  return config;
}

/** Which pictures the flags ask for. The checkpoint keeps this, so that a continued run finds them again. */
export function freshRecord(flags: TrainFlags, config: TrainConfig): RunRecord {
  refuseTwoSets(flags.data, flags);
  const usual = flags.preset === 'paper' ? PAPER_DATA : { resize: 'nearest' as const, flip: false, jitter: false };
  const data = {
    data: flags.data,
    ...(flags.dataroot === undefined ? {} : { dataroot: resolve(flags.dataroot) }),
    direction: flags.direction,
    resize: flags.resize ?? usual.resize,
    flip: flags.flip ?? usual.flip,
    jitter: jitter(flags, config, usual.jitter),
    skipBad: flags.skip_bad ?? false,
    ...(flags.range ? { range: flags.range } : {}),
    ...(flags.groups ? { groups: flags.groups } : {}),
    ...(flags.serial_batches ? { serial: true } : {}),
    ...(limitOf(flags) === undefined ? {} : { maxDatasetSize: limitOf(flags) as number }),
  };
  return { preset: flags.preset, data };
}

/** JSON has no infinity: a missing number means no limit. */
const limitOf = ({ max_dataset_size: most }: Partial<TrainFlags>) => (Number.isFinite(most) ? most : undefined);

/** The record of a continued run. Its pictures may have moved, but they must be the same pictures. */
export function continuedRecord(saved: RunRecord, given: Partial<TrainFlags>, config: TrainConfig): RunRecord {
  const { data } = saved;
  const asked = given.load_size === undefined ? given.jitter : jitter(given, config);
  refuseChange('--preset', given.preset ?? saved.preset, saved.preset);
  refuseChange('--data', given.data ?? data.data, data.data);
  refuseChange('--direction', given.direction ?? data.direction, data.direction);
  refuseChange('--groups', (given.groups ?? data.groups)?.join(' '), data.groups?.join(' '));
  const asLimit = given.max_dataset_size === undefined ? data.maxDatasetSize : limitOf(given);
  refuseChange('--max_dataset_size', asLimit, data.maxDatasetSize);
  refuseChange('--serial_batches', given.serial_batches ?? data.serial, data.serial);
  refuseChange('--resize', given.resize ?? data.resize, data.resize);
  const { range = data.range } = given;
  refuseChange('--range', range && `${range.min},${range.max}`, data.range && `${data.range.min},${data.range.max}`);
  refuseChange('--flip', given.flip ?? data.flip, data.flip);
  refuseChange('--jitter', asked ?? data.jitter, data.jitter);
  refuseTwoSets(data.data, given);
  return {
    ...saved,
    data: {
      ...data,
      ...(given.dataroot === undefined ? {} : { dataroot: resolve(given.dataroot) }),
      ...(given.skip_bad === undefined ? {} : { skipBad: given.skip_bad }),
    },
  };
}

/**
 * @throws PixtapeError if a folder is given with a set that has its own pictures, or groups with a set that has none
 */
export function refuseTwoSets(
  data: string,
  { dataroot, groups }: { dataroot?: string | undefined; groups?: string[] | undefined },
): void {
  if (dataroot !== undefined && data !== 'folder') {
    throw new PixtapeError(
      `--data ${data} brings its own pictures, but the folder ${dataroot} was given, too`,
      'Leave one of them out.',
    );
  }
  if (groups !== undefined && data !== 'openmoji') {
    throw new PixtapeError(`--groups is for --data openmoji; --data ${data} has no groups`);
  }
}

/** @throws PixtapeError naming the flag, if it differs from the run that is continued */
export function refuseChange(flag: string, asked: unknown, saved: unknown): void {
  if (asked === saved) return;
  const shown = (value: unknown) => (value === undefined ? 'none' : String(value));
  throw new PixtapeError(
    `${flag} ${shown(asked)}: the run that --continue_train continues has ${shown(saved)}`,
    `Leave ${flag} out, or start another run with another --name.`,
  );
}

/** `--load_size 286 --crop_size 256`, as pix2pix users write it, is the paper's jitter; so are multiples of the two. */
function jitter(flags: Partial<TrainFlags>, { width, height }: TrainConfig, usual = false): boolean {
  const { load_size: load, jitter: asked } = flags;
  if (load === undefined) return asked ?? usual;
  const larger = [width, height].map((side) => Math.round((side * 286) / 256));
  const is = (sides: readonly number[]) => load.width === sides[0] && load.height === sides[1];
  if (is(larger)) return true;
  if (is([width, height]) && !asked) return false;
  throw new PixtapeError(
    `--load_size ${load.width}x${load.height} with --crop_size ${width}x${height}: pictures are enlarged by 286/256 or not at all`,
    `Use --load_size ${larger.join('x')} (the same as --jitter), or leave it out.`,
  );
}
