import { PixtapeError } from '../../engine/util/errors.ts';
import type { RunRecord } from '../../pix2pix/train/checkpoint/run_record.ts';
import type { CheckpointHeader } from '../../pix2pix/train/checkpoint/state.ts';
import type { TrainConfig } from '../../pix2pix/train/config/config.ts';

interface Run {
  path: string;
  header: CheckpointHeader;
}

/**
 * Settings that must match for a comparison to isolate the effect of the other loss terms; the discriminator's own are
 * left out.
 */
const CONFIG = [
  'batch',
  'lr',
  'beta1',
  'beta2',
  'init',
  'seed',
  'epochs',
  'epochsDecay',
  'lrPolicy',
  'lrDecayIters',
] as const;
const DATA = [
  'data',
  'dataroot',
  'direction',
  'resize',
  'flip',
  'jitter',
  'groups',
  'maxDatasetSize',
  'serial',
] as const;

/**
 * Checks that a run trained with L1 alone can be compared with another run.
 * @returns a line per difference, the discriminator and the structural term aside
 * @throws PixtapeError if it was not trained with L1 alone, or has another generator
 */
export function checkL1Run(ours: Run, l1: Run): string[] {
  const [a, b] = [ours.header, l1.header];
  if (b.config.ganMode !== 'none' || b.config.lambdaSsim > 0) {
    const more = [
      ...(b.config.ganMode === 'none' ? [] : ['a discriminator']),
      ...(b.config.lambdaSsim > 0 ? ['a structural term'] : []),
    ];
    throw new PixtapeError(`--l1 ${l1.path} was trained with ${more.join(' and ')}`, howToTrainL1(a));
  }
  const network = ({ netG, norm, generator, width, height }: TrainConfig) => ({
    netG,
    norm,
    ...generator,
    width,
    height,
  });
  const other = unequal(network(a.config), network(b.config));
  if (other.length > 0) {
    const what = other.map(([key, x, y]) => `${key} ${shown(y)}, not ${shown(x)}`).join('; ');
    throw new PixtapeError(`--l1 ${l1.path} has another generator or other pictures: ${what}`, howToTrainL1(a));
  }
  const data = (header: CheckpointHeader) => (header.run as Partial<RunRecord>).data ?? {};
  const differences = [
    ...unequal({ steps: a.step }, { steps: b.step }),
    ...unequal(pick(a.config, CONFIG), pick(b.config, CONFIG)),
    ...unequal(pick(data(a), DATA), pick(data(b), DATA)),
  ];
  return differences.map(([key, x, y]) => `the run with L1 alone differs in ${key}: ${shown(y)}, not ${shown(x)}`);
}

/** Explains how to train such a run. */
export function howToTrainL1({ step, run }: CheckpointHeader): string {
  if (step === 0) return 'these weights were imported, so there are no flags to repeat for a run with L1 alone';
  const { preset } = run as Partial<RunRecord>;
  const flags = `${preset === undefined ? '' : ` --preset ${preset}`} --steps ${step} --gan_mode none --lambda_ssim 0 --name NAME-l1`;
  return `train it with the flags of this run and these: npx pixtape train …${flags}; then eval … --l1 NAME-l1`;
}

export type Difference = [key: string, a: unknown, b: unknown];

/** The keys whose values differ, with both. */
export function unequal(a: Record<string, unknown>, b: Record<string, unknown>): Difference[] {
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return keys.flatMap((key): Difference[] => (shown(a[key]) === shown(b[key]) ? [] : [[key, a[key], b[key]]]));
}

function pick(from: object, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(keys.map((key) => [key, (from as Record<string, unknown>)[key]]));
}

export const shown = (value: unknown): string => {
  if (value === undefined) return 'none';
  return typeof value === 'string' ? value : JSON.stringify(value);
};
