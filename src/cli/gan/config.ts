import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { PixtapeError } from '../../engine/util/errors.ts';
import type { PictureData } from '../../pix2pix/data/sources/open_pictures.ts';
import type { RunRecord } from '../../pix2pix/train/checkpoint/run_record.ts';
import { GAN_PRESETS, type GanConfig, type GanPresetName } from '../../pix2pix/train/config/gan_config.ts';
import { refuseChange, refuseTwoSets } from '../train/config.ts';
import type { GanFlags } from './flags.ts';

/** The record of a GAN's run. */
export type GanRecord = RunRecord<PictureData, GanPresetName>;

/** Applies the flags to `base`. A fresh run's classes come from its data. */
export function ganConfig(base: GanConfig, flags: Partial<GanFlags>): GanConfig {
  return {
    ...base,
    side: flags.size ?? base.side,
    nz: flags.nz ?? base.nz,
    ngf: flags.ngf ?? base.ngf,
    ndf: flags.ndf ?? base.ndf,
    batch: flags.batch_size ?? base.batch,
    lr: flags.lr ?? base.lr,
    lrDisc: flags.lr_D ?? flags.lr ?? base.lrDisc,
    beta1: flags.beta1 ?? base.beta1,
    beta2: flags.beta2 ?? base.beta2,
    ganMode: flags.gan_mode ?? base.ganMode,
    realTarget: realTarget(flags) ?? base.realTarget,
    matching: flags.matching ?? base.matching,
    seed: flags.seed ?? base.seed,
    steps: flags.steps ?? base.steps,
    stepsDecay: flags.steps_decay ?? usualDecay(base, flags.steps),
  };
}

/** The discriminator's target for real pictures. */
function realTarget({ label_smoothing: smoothing, real_target: target }: Partial<GanFlags>): number | undefined {
  if (smoothing !== undefined && target !== undefined) {
    throw new PixtapeError('--label_smoothing and --real_target mean the same', 'Leave --real_target out.');
  }
  return smoothing === undefined ? target : 1 - smoothing;
}

/** A run shorter than the preset decays for at most half of its steps. */
function usualDecay({ steps, stepsDecay }: GanConfig, asked = steps): number {
  return asked === steps ? stepsDecay : Math.min(stepsDecay, Math.floor(asked / 2));
}

/** The configuration of a fresh run, without its classes. */
export const freshGanConfig = (flags: GanFlags, given: Partial<GanFlags>): GanConfig =>
  ganConfig(GAN_PRESETS[flags.preset], given);

/**
 * The configuration of a continued run. Flags may change how it learns, but not what it is.
 * @throws PixtapeError naming the flag that would
 */
export function continuedGanConfig(saved: GanConfig, given: Partial<GanFlags>): GanConfig {
  const config = ganConfig(saved, given);
  const fixed: [string, (c: GanConfig) => unknown][] = [
    ['--size', (c) => c.side],
    ['--nz', (c) => c.nz],
    ['--ngf', (c) => c.ngf],
    ['--ndf', (c) => c.ndf],
    ['--batch_size', (c) => c.batch],
    ['--matching', (c) => c.matching],
    ['--seed', (c) => c.seed],
  ];
  for (const [flag, value] of fixed) refuseChange(flag, value(config), value(saved));
  return config;
}

/** Which pictures the flags ask for. The checkpoint keeps this, so that a continued run finds them again. */
export function freshGanRecord(dir: string | undefined, flags: GanFlags): GanRecord {
  refuseTwoSets(flags.data, { dataroot: dir, groups: flags.groups });
  if (flags.classes !== undefined && flags.data !== 'folder') {
    const has = flags.data === 'smileys' ? 'has its classes already' : 'has no classes';
    throw new PixtapeError(`--data ${flags.data} ${has}`, 'Leave --classes out, or name a folder of your own.');
  }
  const smileys = flags.data === 'smileys';
  const data: PictureData = {
    data: flags.data,
    ...(dir === undefined ? {} : { dataroot: resolve(dir) }),
    ...(flags.classes === undefined ? {} : { classes: classesOf(dir, flags.classes) }),
    ...(flags.groups ? { groups: flags.groups } : {}),
    augment: flags.augment ?? smileys,
    flip: flags.flip ?? smileys,
    skipBad: flags.skip_bad ?? false,
  };
  return { preset: flags.preset, data };
}

/** Catches `--classes DIR`, where the folder was meant as the argument. */
function classesOf(dir: string | undefined, classes: true | string): NonNullable<PictureData['classes']> {
  if (classes === true) return 'folders';
  if (dir === undefined && existsSync(classes) && statSync(classes).isDirectory()) {
    throw new PixtapeError(
      `--classes ${classes}: that is a folder, not a table`,
      `Name it first: gan ${classes} --classes`,
    );
  }
  return { table: resolve(classes) };
}

/** The record of a continued run. Its pictures may have moved, but they must be the same pictures. */
export function continuedGanRecord(saved: GanRecord, dir: string | undefined, given: Partial<GanFlags>): GanRecord {
  const { data } = saved;
  refuseChange('--preset', given.preset ?? saved.preset, saved.preset);
  refuseChange('--data', given.data ?? data.data, data.data);
  refuseChange('--groups', (given.groups ?? data.groups)?.join(' '), data.groups?.join(' '));
  refuseChange('--augment', given.augment ?? data.augment, data.augment);
  refuseChange('--flip', given.flip ?? data.flip, data.flip);
  refuseTwoSets(data.data, { dataroot: dir, groups: given.groups });
  const kind = (classes: PictureData['classes']) => (typeof classes === 'object' ? 'a table' : classes);
  const classes = given.classes === undefined ? data.classes : classesOf(dir, given.classes);
  refuseChange('--classes', kind(classes), kind(data.classes));
  return {
    ...saved,
    data: {
      ...data,
      ...(classes === undefined ? {} : { classes }),
      ...(dir === undefined ? {} : { dataroot: resolve(dir) }),
      ...(given.skip_bad === undefined ? {} : { skipBad: given.skip_bad }),
    },
  };
}
