import { PixtapeError } from '../../engine/util/errors.ts';
import { InvalidArgumentError } from './commander.ts';

/** Flags that have another name now; the old one still works. */
const RENAMED: Readonly<Record<string, string>> = { recompute: 'checkpoint_activations' };

/**
 * Users of pix2pix type `--batch_size`, others `--batch-size`: both mean the same here. Flags are declared with
 * underscores; commander wants the `no-` of a negation with a dash.
 */
export function normaliseFlags(argv: readonly string[]): string[] {
  const end = argv.indexOf('--');
  return argv.map((arg, i) => {
    if (!arg.startsWith('--') || arg === '--' || (end >= 0 && i > end)) return arg;
    const equals = arg.indexOf('=');
    const name = equals < 0 ? arg.slice(2) : arg.slice(2, equals);
    const value = equals < 0 ? '' : arg.slice(equals);
    const [, not = '', plain = ''] = /^(no_)?(.*)$/.exec(name.replace(/-/g, '_')) ?? [];
    return `--${not && 'no-'}${Object.hasOwn(RENAMED, plain) ? RENAMED[plain] : plain}${value}`;
  });
}

/** Returns a parser of whole numbers from `least` up. */
export function wholeNumber(least: number) {
  return (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || !Number.isSafeInteger(value)) {
      throw new InvalidArgumentError(`Expected a whole number of at least ${least}.`);
    }
    return value;
  };
}

/** Returns a parser of numbers between bounds, which are excluded unless `inclusive`. */
export function between(low: number, high: number, inclusive = false) {
  return (text: string): number => {
    const value = Number(text);
    const fits = inclusive ? value >= low && value <= high : value > low && value < high;
    if (text.trim() === '' || !fits) {
      const range = Number.isFinite(high) ? `between ${low} and ${high}` : `above ${low}`;
      throw new InvalidArgumentError(`Expected a number ${range}.`);
    }
    return value;
  };
}

/** Parses `0,4095`: the values that become 0 and 1. */
export function valueRange(text: string): { min: number; max: number } {
  const parts = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  const [min = Number.NaN, max = Number.NaN] = parts;
  if (parts.length !== 2 || !(min < max) || !Number.isFinite(max - min)) {
    throw new InvalidArgumentError('Expected two numbers like 0,4095, the smaller first.');
  }
  return { min, max };
}

/** Parses `256` or `320x256` (width × height). */
export function pictureSize(text: string): { width: number; height: number } {
  const match = /^(\d+)(?:x(\d+))?$/.exec(text);
  const width = Number(match?.[1]);
  const height = Number(match?.[2] ?? match?.[1]);
  if (!match || width < 1 || height < 1)
    throw new InvalidArgumentError('Expected a side like 256, or WIDTHxHEIGHT like 320x256.');
  return { width, height };
}

/** Flags of pix2pix that do not exist here, and what to use instead. */
const FOREIGN: Record<string, string> = {
  gpu_ids: 'The GPU is found by itself; --adapter chooses one by hand.',
  dataset_mode: 'Side-by-side pairs and A/ B/ folders are told apart by looking: leave it out.',
  preprocess: '--crop_size sets the size, --jitter enlarges and cuts out at random.',
  phase: 'train uses train/ and measures on test/ (or val/); translate takes any folder.',
  lr_policy: 'The rate is constant for --n_epochs, then falls linearly over --n_epochs_decay.',
  epoch_count: '--continue_train knows the epoch: leave it out.',
  epoch: 'Checkpoints are files: name the one to use, e.g. runs/NAME/epoch-100.safetensors.',
  num_threads: 'Pictures are decoded beside the training: leave it out.',
  display_id: 'The pictures and curves are in report.html of the run: leave it out.',
  display_port: 'The pictures and curves are in report.html of the run: leave it out.',
  use_wandb: 'The curves are in report.html and log.jsonl of the run: leave it out.',
  results_dir: 'translate CHECKPOINT IN OUT takes the folder for the results as OUT.',
  init_type: '--init paper (its normal), --init he (its kaiming) or --init tutorial.',
};

/** @throws PixtapeError if a flag is one of pix2pix's that does not exist here, with what to use instead */
export function refuseForeignFlags(argv: readonly string[]): void {
  for (const arg of argv) {
    if (arg === '--') return;
    const name = /^--(?:no-)?([^=]+)/.exec(arg)?.[1];
    const advice = name && Object.hasOwn(FOREIGN, name) ? FOREIGN[name] : undefined;
    if (advice) throw new PixtapeError(`--${name} is a flag of pix2pix's that does not exist here`, advice);
  }
}
