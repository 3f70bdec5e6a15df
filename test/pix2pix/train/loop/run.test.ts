import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { readCheckpointHeader } from '../../../../src/pix2pix/train/checkpoint/checkpoint.ts';
import { readLog } from '../../../../src/pix2pix/train/loop/folder/log.ts';
import { Pix2Pix } from '../../../../src/pix2pix/train/steps/pix2pix.ts';
import { openTestDevice } from '../../../device.ts';
import { temporaryFolders, tinyConfig, train } from '../tiny.ts';

vi.setConfig({ testTimeout: 240_000 });
const folder = temporaryFolders();
let device: Device;
beforeAll(async () => {
  device = await openTestDevice();
});
afterAll(() => device.destroy());

const files = (path: string) => readdirSync(path).sort();

it('leaves a line for each step, pictures, a report and a checkpoint, and no temporaries', async () => {
  const path = folder();
  const { result, model } = await train(device, path, { steps: 7, sampleEvery: 2, saveEvery: 3, logEvery: 4 });
  expect(result).toMatchObject({ end: 'done', steps: 7, checkpoint: join(path, 'latest.safetensors') });
  expect(files(path)).toEqual(['latest.safetensors', 'log.jsonl', 'report.html', 'samples']);
  const steps = [2, 4, 6, 7];
  expect(files(join(path, 'samples'))).toEqual(steps.map((step) => `step-00000${step}.png`));

  const log = await readLog(join(path, 'log.jsonl'));
  expect(log.map((line) => line.step)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  // It trained on 14 pictures: a third of them may be measured, so 4 of the 5 at the end.
  expect(log.filter((line) => line.testL1 !== undefined).map((line) => line.step)).toEqual([7]);
  expect(log.at(-1)?.testL1).toBe(result.testL1);
  // 10 pairs in batches of 2 are 5 steps per epoch.
  expect(log.map((line) => line.epoch)).toEqual([0, 0, 0, 0, 0, 1, 1]);
  for (const [i, line] of log.entries()) {
    expect(line.lossG).toBeCloseTo(
      (line.lossAdv ?? Number.NaN) + model.config.lambdaL1 * (line.lossL1 ?? Number.NaN),
      3,
    );
    expect(line.imagesPerSecond).toBeGreaterThan(0);
    expect(line.seconds).toBeGreaterThan(log[i - 1]?.seconds ?? 0);
  }

  const html = readFileSync(result.report, 'utf8');
  for (const step of steps) expect(html).toContain(`data-step="${step}"`);
  expect(html).not.toContain('Training goes on');
  expect(html).toContain(`<dt>Held-out L1</dt><dd>${result.testL1?.toFixed(4)}</dd>`);
  expect(html).toContain('<dd>4 of 5 held-out pictures</dd>');
  expect(result).toMatchObject({ measured: 4, heldOut: 5 });
  expect(await readCheckpointHeader(result.checkpoint)).toMatchObject({ step: 7, run: { preset: 'tiny' } });
});

it('saves by time if steps are slow, even without an interval in steps', async () => {
  const path = folder();
  let hours = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => 3_600_000 * hours);
  const saved: boolean[] = [];
  const interrupted = () => {
    saved.push(existsSync(join(path, 'latest.safetensors')));
    hours += 0.01; // two clock readings per step: 72 s
    return false;
  };
  await train(device, path, { steps: 8, logEvery: 0 }, { interrupted });
  clock.mockRestore();
  const first = saved.indexOf(true);
  expect(first).toBeGreaterThan(2);
  expect(36 * first).toBeLessThan(300);
});

it('learns: the held-out error falls far below that of copying the input', { tags: 'long' }, async () => {
  const config = tinyConfig({ lr: 2e-3, init: 'paper' });
  const calm = { ...config, generator: { ...config.generator, hidden: 4, dropout: 0, sharedNorm: false } };
  const { result } = await train(device, folder(), { steps: 200, logEvery: 50 }, { model: new Pix2Pix(device, calm) });
  expect(result.testL1).toBeLessThan(0.7 * result.baselineL1);
});

it('uses exactly the same memory after ten steps and after hundreds', { tags: 'long' }, async () => {
  const path = folder();
  const model = new Pix2Pix(device, tinyConfig());
  await train(device, path, { steps: 10, sampleEvery: 5 }, { model });
  const early = device.memory;
  await train(device, path, { steps: 300, sampleEvery: 50, saveEvery: 100, resumed: true }, { model });
  expect(model.step).toBe(300);
  expect(device.memory).toEqual(early);
});

it('keeps checkpoints of epochs if asked to', async () => {
  const path = folder();
  await train(device, path, { steps: 16, saveEveryEpochs: 2 });
  expect(files(path).filter((name) => name.endsWith('.safetensors'))).toEqual([
    'epoch-2.safetensors',
    'latest.safetensors',
  ]);
  expect((await readCheckpointHeader(join(path, 'epoch-2.safetensors'))).step).toBe(10);
});

it('stops when time is up, with pictures, report and checkpoint', async () => {
  const path = folder();
  const { result } = await train(device, path, { steps: 1_000_000, minutes: 0.02 });
  expect(result.end).toBe('time');
  expect(result.steps).toBeLessThan(100_000);
  expect((await readCheckpointHeader(result.checkpoint)).step).toBe(result.steps);
  expect(files(join(path, 'samples'))).toEqual([`step-${String(result.steps).padStart(6, '0')}.png`]);
  expect((await readLog(join(path, 'log.jsonl'))).at(-1)).toMatchObject({ step: result.steps, testL1: result.testL1 });
  expect(readFileSync(result.report, 'utf8')).toContain('after 0.02 min');
});

it('limits each session separately, while seconds of training add up', async () => {
  const path = folder();
  const { model } = await train(device, path, { steps: 1_000_000, minutes: 0.01 });
  const before = (await readCheckpointHeader(join(path, 'latest.safetensors'))).run;
  expect(before.seconds).toBeGreaterThan(0.6);
  const again = { steps: 1_000_000, minutes: 0.01, resumed: true, record: before };
  const { result } = await train(device, path, again, { model });
  expect(result.end).toBe('time');
  const log = await readLog(join(path, 'log.jsonl'));
  expect(log.at(-1)?.seconds).toBeGreaterThan(1.2);
});

it('finishes the step and saves when interrupted, without taking time for pictures', async () => {
  const path = folder();
  let asked = 0;
  const { result } = await train(device, path, { steps: 50, logEvery: 50 }, { interrupted: () => ++asked > 8 });
  expect(result).toMatchObject({ end: 'interrupted', testL1: undefined });
  expect(result.steps).toBeGreaterThan(2);
  expect(result.steps).toBeLessThan(10);
  expect((await readCheckpointHeader(result.checkpoint)).step).toBe(result.steps);
  expect((await readLog(join(path, 'log.jsonl'))).map((line) => line.step).at(-1)).toBe(result.steps);
  expect(files(join(path, 'samples'))).toEqual([]);
  expect(readFileSync(result.report, 'utf8')).toContain('interrupted');
});

it('starts afresh if an earlier run in the folder is not continued', async () => {
  const path = folder();
  await train(device, path, { steps: 4, sampleEvery: 1 });
  await train(device, path, { steps: 2 });
  expect(files(join(path, 'samples'))).toEqual(['step-000002.png']);
  expect((await readLog(join(path, 'log.jsonl'))).map((line) => line.step)).toEqual([1, 2]);
  expect(existsSync(join(path, 'latest.safetensors'))).toBe(true);
});
