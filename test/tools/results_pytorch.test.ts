import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freshConfig, freshRecord } from '../../src/cli/train/config.ts';
import type { Device } from '../../src/engine/gpu/device.ts';
import { BatchLoader } from '../../src/pix2pix/data/sets/batches.ts';
import { openDataset } from '../../src/pix2pix/data/sources/open.ts';
import { allTensors, reading } from '../../src/pix2pix/train/checkpoint/checkpoint.ts';
import { Pix2Pix } from '../../src/pix2pix/train/steps/pix2pix.ts';
import { chartOf } from '../../tools/results/pytorch/chart.ts';
import { readTrainFlags, writeProblem } from '../../tools/results/pytorch/problem.ts';
import { findPyTorch } from '../../tools/results/pytorch/train.ts';
import { closeTestDevice, openTestDevice } from '../device.ts';
import { temporaryFolders } from '../pix2pix/train/tiny.ts';

const root = resolve(import.meta.dirname, '..', '..');
const folder = temporaryFolders();

let device: Device;
beforeAll(async () => {
  device = await openTestDevice();
});
afterAll(() => closeTestDevice(device));

const SMALL = '--data facades-toy --max_dataset_size 6 --batch_size 2 --no-jitter --resize nearest --seed 3';
const PAPER = `${SMALL} --preset paper --netG unet_32 --crop_size 32 --ngf 2 --ndf 2 --n_epochs 1 --n_epochs_decay 2`;
/** The smallest U-Net with dropout. */
const DROPPING = `${SMALL} --preset paper --netG unet_64 --crop_size 64 --ngf 2 --ndf 2 --n_epochs 1 --n_epochs_decay 2`;
const TUTORIAL = `${SMALL} --preset tutorial --ngf 2 --depth 2 --crop_size 32`;

it('the problem for PyTorch has the batches and rates of our run', async () => {
  const path = join(folder(), 'problem.safetensors');
  const header = await writeProblem(device, PAPER.split(' '), path);
  expect(header.step).toBe(9);
  const tensors = await reading(path, allTensors);
  const values = (name: string) => Array.from((tensors.get(name)?.data ?? []) as ArrayLike<number>);
  expect(tensors.get('order')?.shape).toEqual([9, 2]);
  // Six pairs, mirrored or not.
  const kept = tensors.get('pairs.real')?.shape[0] as number;
  expect(kept).toBeGreaterThan(6);
  expect(kept).toBeLessThanOrEqual(12);
  const rates = values('rates.gen');
  expect(rates.map((rate) => Number((rate / 2e-4).toFixed(4)))).toEqual([
    1, 1, 1, 0.6667, 0.6667, 0.6667, 0.3333, 0.3333, 0.3333,
  ]);

  const { loader } = await ourRun(PAPER);
  const size = 3 * 32 * 32;
  const { real } = await loader.batch(8);
  const second = Number(values('order')[8 * 2 + 1]);
  const told = values('pairs.real').slice(second * size, (second + 1) * size);
  expect(told).toEqual([...real.subarray(size).map((value) => 2 * value - 1)]);
});

it('refuses what PyTorch’s side does not support, and names the flag', async () => {
  const words = `${PAPER} --netD n_layers --ema 0.9`.split(' ');
  await expect(writeProblem(device, words, join(folder(), 'p'))).rejects.toThrow('no --netD n_layers, no --ema 0.9');
});

/** What is trained, and for how many steps. */
const RUNS: [string, string, number][] = [
  ['the paper’s networks', DROPPING, 9],
  ['five levels, which have no dropout', PAPER, 9],
  ['with a discriminator that sees no condition', `${PAPER} --no-condition_GAN`, 9],
  ['L1 alone', `${PAPER} --gan_mode none`, 9],
  ['the tutorial’s networks', `${TUTORIAL} --n_epochs 3`, 9],
  ['… with weights large enough for dropout to show', `${TUTORIAL} --n_epochs 2 --init he`, 6],
];

const LONG = { tags: 'long', timeout: 300_000 };

it.for(RUNS)('PyTorch trains the same from the same starting point: %s', LONG, async ([, words, steps], { skip }) => {
  const found = findPyTorch(root);
  if ('missing' in found) return skip(found.missing);
  const [problem, trained] = ['problem', 'trained'].map((name) => join(folder(), name)) as [string, string];
  expect((await writeProblem(device, words.split(' '), problem)).step).toBe(steps);
  const script = join(root, 'tools', 'pytorch', 'python', 'torch_train.py');
  const { status, stderr } = spawnSync('python3', [script, problem, trained], { encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  const theirs = await reading(trained, allTensors);

  const { model, loader } = await ourRun(words);
  await model.prepare();
  for (let step = 0; step < steps; step++) await model.train(await loader.batch(step), step / loader.stepsPerEpoch);
  const rows = await model.lossesSince(0);
  expect(rows).toHaveLength(steps);
  for (const name of ['l1', 'gen', ...(model.disc ? (['disc', 'adv'] as const) : [])] as const) {
    const curve = theirs.get(`curve.${name}`)?.data as Float32Array;
    expect(curve).toHaveLength(steps);
    rows.forEach((row, step) => {
      expect(Math.abs(row[name] / (curve[step] as number) - 1), `${name} of step ${step}`).toBeLessThan(1e-4);
    });
  }
});

async function ourRun(words: string) {
  const { flags, given } = readTrainFlags(words.split(' '));
  const config = freshConfig(flags, given);
  const { width, height, seed, batch } = config;
  const { train } = await openDataset({ ...freshRecord(flags, config).data, width, height, seed, warn: console.warn });
  return { model: new Pix2Pix(device, config), loader: new BatchLoader(train, { batchSize: batch, seed }) };
}

it('a chart has a panel for each loss, ours solid and PyTorch’s dashed', () => {
  const values = Array.from({ length: 50 }, (_, i) => 1 - i / 100);
  const panel = { title: 'L1', lines: [{ by: 'ours', values } as const, { by: 'theirs', values } as const] };
  const svg = chartOf([[panel, panel], [panel]]);
  expect(svg.match(/<g /g)).toHaveLength(3);
  // Means of steps 0 to 19, 20 to 39 and 40 to 49, in the middle of each range; and the dashes of the legend.
  expect(svg.match(/<path d="M[\d.]+ [\d.]+L[\d.]+ [\d.]+L[\d.]+ [\d.]+"/g)).toHaveLength(6);
  expect(svg.match(/stroke-dasharray/g)).toHaveLength(4);
});
