import { readdirSync, readFileSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { PixtapeError } from '../../../../src/engine/util/errors.ts';
import { encodeSafetensors, type NamedTensor } from '../../../../src/engine/util/safetensors.ts';
import { readSafetensors, writeSafetensorsAtomic } from '../../../../src/files/files.ts';
import {
  loadCheckpoint,
  readCheckpointHeader,
  saveCheckpoint,
} from '../../../../src/pix2pix/train/checkpoint/checkpoint.ts';
import { readLog } from '../../../../src/pix2pix/train/loop/folder/log.ts';
import { Pix2Pix } from '../../../../src/pix2pix/train/steps/pix2pix.ts';
import { openTestDevice } from '../../../device.ts';
import { temporaryFolders, tinyConfig, train } from '../tiny.ts';

/** When set, files with a matching name cannot be written: the disk is full. */
const full = vi.hoisted(() => ({ name: undefined as RegExp | undefined }));
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  const open = async (...args: Parameters<typeof real.open>) => {
    const handle = await real.open(...args);
    if (!full.name?.test(String(args[0]))) return handle;
    const write = async () => {
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    };
    return Object.assign(handle, { write });
  };
  return { ...real, open };
});

const folder = temporaryFolders();
let device: Device;
beforeAll(async () => {
  device = await openTestDevice();
});
afterAll(() => device.destroy());
afterEach(() => {
  full.name = undefined;
});

const errorOf = (work: Promise<unknown>): Promise<PixtapeError> =>
  work.then(
    () => expect.fail('nothing went wrong'),
    (error) => {
      expect(error).toBeInstanceOf(PixtapeError);
      return error;
    },
  );

it('stops at a loss that is not a number, names the step, and keeps the last good checkpoint', async () => {
  const path = folder();
  const model = new Pix2Pix(device, tinyConfig());
  await train(device, path, { steps: 4 }, { model });
  const good = readFileSync(join(path, 'latest.safetensors'));

  const { model: wild } = await loadCheckpoint(device, join(path, 'latest.safetensors'), (header) => ({
    ...header,
    config: { ...header.config, lr: 1e30, lrDisc: 1e30 },
  }));
  const options = { steps: 500, logEvery: 8, saveEvery: 1, sampleEvery: 2, resumed: true };
  const error = await errorOf(train(device, path, options, { model: wild }));
  const bad = Number(/step (\d+): the .* loss is (NaN|-?Infinity)/.exec(error.message)?.[1]);
  expect(bad).toBeGreaterThan(4);
  expect(wild.step - bad).toBeLessThan(8);
  expect(error.message).toContain('smaller ones (--lr, --lr_D)');
  expect(error.message).toContain('--continue_train goes on from it');

  // Everything saved since is from before that step and loads. Nothing that is not finite was saved.
  const { model: kept, header } = await loadCheckpoint(device, join(path, 'latest.safetensors'));
  expect(header.step).toBeLessThan(bad);
  expect(kept.step).toBe(header.step);
  if (header.step === 4) expect(Buffer.compare(readFileSync(join(path, 'latest.safetensors')), good)).toBe(0);
  const log = await readLog(join(path, 'log.jsonl'));
  expect(log.at(-1)?.step).toBe(bad);
  expect(log.slice(0, -1).every((line) => Number.isFinite(line.lossG + line.lossD))).toBe(true);
  expect(readFileSync(join(path, 'report.html'), 'utf8')).toContain('stopped by an error');
});

it('stops within a logging interval, even a long one', { tags: 'long' }, async () => {
  const model = new Pix2Pix(device, tinyConfig({ lr: 1e30, lrDisc: 1e30 }));
  const path = folder();
  const error = await errorOf(train(device, path, { steps: 2000, logEvery: 1000 }, { model }));
  expect(error.message).toMatch(/step \d+: the .* loss is/);
  expect(model.step).toBeLessThanOrEqual(256);
  expect(readdirSync(path)).not.toContain('latest.safetensors');
});

it('does not save weights that are not finite, though every loss still is', async () => {
  const path = join(folder(), 'c.safetensors');
  const model = new Pix2Pix(device, tinyConfig());
  await saveCheckpoint(path, model, {});
  const good = readFileSync(path);
  const weight = model.generator.parameters()[2];
  weight?.write(new Float32Array(weight.size).fill(Number.NaN));
  const error = await errorOf(saveCheckpoint(path, model, {}));
  expect(error.message).toMatch(/^gen\..*\[0\] is NaN after step 0/);
  expect(Buffer.compare(readFileSync(path), good)).toBe(0);
});

it.each([
  ['the checkpoint', /latest\.safetensors/],
  ['the sample grid', /step-000004\.png/],
  ['the report', /report\.html/],
])('says so when the disk is full for %s, and keeps the last good checkpoint', async (_, name) => {
  const path = folder();
  const model = new Pix2Pix(device, tinyConfig());
  await train(device, path, { steps: 2 }, { model });
  const good = readFileSync(join(path, 'latest.safetensors'));
  full.name = name;
  const error = await errorOf(train(device, path, { steps: 4, resumed: true }, { model }));
  expect(error.message).toMatch(/could not be written: the disk is full \(ENOSPC\)/);
  expect(error.message).toMatch(name);
  const kept = readFileSync(join(path, 'latest.safetensors'));
  if (String(name).includes('latest')) expect(Buffer.compare(kept, good)).toBe(0);
  await readCheckpointHeader(join(path, 'latest.safetensors'));
  const names = [...readdirSync(path), ...readdirSync(join(path, 'samples'))];
  expect(names.filter((entry) => entry.endsWith('.tmp'))).toEqual([]);
});

/** A checkpoint whose content was edited. */
async function tampered(
  change: (tensors: Map<string, NamedTensor>, metadata: Record<string, string>) => void,
): Promise<string> {
  const path = join(folder(), 'c.safetensors');
  await saveCheckpoint(path, new Pix2Pix(device, tinyConfig()), {});
  const file = await readSafetensors(path);
  const tensors = new Map<string, NamedTensor>();
  for (const name of file.entries.keys()) tensors.set(name, await file.read(name));
  await file.close();
  const metadata = { ...file.metadata };
  change(tensors, metadata);
  await writeSafetensorsAtomic(path, encodeSafetensors(tensors, metadata));
  return path;
}

const NAME = 'gen.contracting_layers.0.conv_block1.conv1.weight';
const cases: [string, Parameters<typeof tampered>[0], RegExp][] = [
  ['a tensor too few', (t) => t.delete(NAME), /the tensor gen\.contracting_layers.*weight is missing/],
  ['Adam too few', (t) => t.delete(`adam.gen.exp_avg.${NAME.slice(4)}`), /adam\.gen\.exp_avg.* is missing/],
  ['one too many', (t) => t.set('gen.x', t.get(NAME) as NamedTensor), /the model has no tensor named gen\.x/],
  [
    'another shape',
    (t) => t.set(NAME, { dtype: 'F32', shape: [2], data: new Float32Array(2) }),
    /weight is F32 \[2\], the model's is F32 \[4,2,3,3\]/,
  ],
  [
    'another type',
    (t) => t.set(NAME, { dtype: 'I32', shape: [4, 2, 3, 3], data: new Int32Array(72) }),
    /weight is I32 .*F32/,
  ],
  [
    'a weight that is NaN',
    (t) => ((t.get(NAME) as NamedTensor).data as Float32Array).fill(Number.NaN, 3),
    /weight\[3\] is NaN, so that it can neither paint nor go on training/,
  ],
  [
    "an average of Adam's that is infinite",
    (t) => ((t.get(`adam.gen.exp_avg.${NAME.slice(4)}`) as NamedTensor).data as Float32Array).fill(-Infinity),
    /adam\.gen\.exp_avg.*\[0\] is -Infinity/,
  ],
  ['no format', (_, m) => delete m.format, /is a safetensors file, but no pixtape checkpoint/],
  ['a later version', (_, m) => Object.assign(m, { version: '9' }), /has checkpoint version 9/],
  ['no configuration', (_, m) => Object.assign(m, { config: '{}' }), /description is damaged .*generator/],
  [
    'half a configuration',
    (_, m) => Object.assign(m, { config: m.config?.replace('"depth":2', '"deep":2') }),
    /config\.generator\.depth is undefined/,
  ],
  [
    'more levels than can be',
    (_, m) => Object.assign(m, { config: m.config?.replace('"depth":2', '"depth":9007199254740992') }),
    /config\.generator\.depth is 9007199254740992/,
  ],
  [
    'half a level',
    (_, m) => Object.assign(m, { config: m.config?.replace('"depth":2', '"depth":1.5') }),
    /config\.generator\.depth is 1\.5/,
  ],
  ['no record', (_, m) => Object.assign(m, { run: 'null' }), /description is damaged \(run is no object\)/],
  [
    'a record of odd pictures',
    (_, m) => Object.assign(m, { run: '{"data":{"resize":"none"}}' }),
    /run\.data\.resize is neither nearest nor bilinear/,
  ],
  ['a format of JavaScript', (_, m) => Object.assign(m, { format: 'constructor' }), /no pixtape checkpoint/],
  ['an impossible step', (_, m) => Object.assign(m, { step: '-3' }), /step is -3/],
];
it.each(cases)('refuses a checkpoint with %s', async (_, change, message) => {
  const path = await tampered(change);
  const error = await errorOf(loadCheckpoint(device, path));
  expect(error.message).toMatch(message);
  expect(error.message).toContain(path);
});

it('refuses a checkpoint that is cut short', async () => {
  const path = await tampered(() => {});
  await fs.truncate(path, 30_000);
  const error = await errorOf(loadCheckpoint(device, path));
  expect(error.message).toMatch(/is cut short: 30000 bytes of \d+/);
});
