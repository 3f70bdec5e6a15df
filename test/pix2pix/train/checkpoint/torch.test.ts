/** @module-tag long */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { encodeSafetensors } from '../../../../src/engine/util/safetensors.ts';
import { readSafetensors } from '../../../../src/files/files.ts';
import { exportGenerator } from '../../../../src/pix2pix/train/checkpoint/export.ts';
import { PRESETS, type TrainConfig } from '../../../../src/pix2pix/train/config/config.ts';
import { Predictor } from '../../../../src/pix2pix/train/steps/predictor.ts';
import { closeTestDevice, openTestDevice } from '../../../device.ts';
import { temporaryFolders, tinyConfig } from '../tiny.ts';
import { deviation, noise, randomGenerator } from './random_generator.ts';

const scripts = resolve(import.meta.dirname, '..', '..', '..', '..', 'tools', 'pytorch', 'python');
const folder = temporaryFolders();
const python = (script: string, ...args: string[]) =>
  spawnSync('python3', [join(scripts, script), ...args], { encoding: 'utf8' });

let device: Device;
let missing: string | undefined;
beforeAll(async () => {
  device = await openTestDevice();
  const { status, error, stderr } = python('make_fixtures.py', '--help');
  if (error) missing = 'there is no python3';
  else if (status !== 0) missing = stderr.trim();
});
afterAll(() => closeTestDevice(device));

const tiny = tinyConfig().generator;
const unet = { netG: 'unet', generator: { ...PRESETS.paper.generator, hidden: 2, depth: 5 } } as const;
const NETWORKS: [string, TrainConfig, half: boolean][] = [
  ['the tutorial’s network', tinyConfig(), false],
  ['the same in halves', tinyConfig(), true],
  ['a batch norm for each place', tinyConfig({ generator: { ...tiny, sharedNorm: false } }), false],
  ['the paper’s U-Net', tinyConfig(unet), false],
  ['a U-Net with instance norm', tinyConfig({ ...unet, norm: 'instance' }), false],
];

it.for(NETWORKS)('an export loads in PyTorch by name and predicts the same: %s', async ([, config, half], { skip }) => {
  if (missing !== undefined) skip(missing);
  const { generator, tensors } = await randomGenerator(device, config);
  // As in PyTorch's evaluation mode, also if one batch norm serves two places.
  const predictor = new Predictor(device, generator, { statistics: 'running' });
  const [height, width] = [32, 64];
  const shape = [2, 3, height, width];
  const condition = noise(2 * 3 * height * width, 1);

  const home = folder();
  const place = (name: string) => join(home, `${name}.safetensors`);
  const write = (name: string, pieces: Uint8Array[]) => writeFileSync(place(name), Buffer.concat(pieces));
  write('model', exportGenerator({ config, step: 1, run: {} }, tensors, { half }));
  write('condition', encodeSafetensors(new Map([['condition', { dtype: 'F32', shape, data: condition }]])));
  const { status, stderr } = python('torch_generator.py', place('model'), place('condition'), place('picture'));
  expect(status, stderr).toBe(0);

  const file = await readSafetensors(place('picture'));
  const picture = await file.read('picture');
  await file.close();
  expect(picture.shape).toEqual(shape);
  const want = await predictor.predict(condition, 2, height, width);
  expect(deviation(picture.data as Float32Array, want)).toBeLessThan(half ? 2e-2 : 1e-4);
});
