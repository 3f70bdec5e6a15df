import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { Device } from '../../../src/engine/gpu/device.ts';
import { RandomStream } from '../../../src/engine/util/random.ts';
import { BatchLoader } from '../../../src/pix2pix/data/sets/batches.ts';
import type { Dataset, Pair } from '../../../src/pix2pix/data/sets/dataset.ts';
import { captureState } from '../../../src/pix2pix/train/checkpoint/state.ts';
import { PRESETS, type TrainConfig } from '../../../src/pix2pix/train/config/config.ts';
import { Progress } from '../../../src/pix2pix/train/loop/progress.ts';
import { type RunOptions, type RunResult, trainPix2Pix } from '../../../src/pix2pix/train/loop/run.ts';
import { Pix2Pix } from '../../../src/pix2pix/train/steps/pix2pix.ts';

/** A complete Pix2Pix that trains in milliseconds, dropout included. */
export function tinyConfig(more: Partial<TrainConfig> = {}): TrainConfig {
  return {
    ...PRESETS.tutorial,
    generator: { ...PRESETS.tutorial.generator, hidden: 2, depth: 2 },
    discHidden: 2,
    width: 16,
    height: 16,
    batch: 2,
    seed: 7,
    ...more,
  };
}

/** Synthetic pairs from their index: a bright box on a dark ground, to be painted in the pair's colour. */
export function madeUpPairs(length: number, { width = 16, height = 16, offset = 0 } = {}): Dataset {
  const plane = width * height;
  const name = (index: number) => `pair ${index + offset}`;
  const pair = async (index: number): Promise<Pair> => {
    const random = new RandomStream(99, index + offset);
    const colour = [random.uniform(), random.uniform(), random.uniform()];
    const [left, top] = [random.below(width / 2), random.below(height / 2)];
    const inside = (i: number) => i % width >= left && Math.floor((i % plane) / width) >= top;
    const draw = (value: (channel: number) => number) =>
      Float32Array.from({ length: 3 * plane }, (_, i) => (inside(i) ? value(Math.floor(i / plane)) : 0.1));
    return { name: name(index), condition: draw(() => 1), real: draw((c) => colour[c] as number) };
  };
  return { length, width, height, name, pair };
}

export interface Training {
  model: Pix2Pix;
  result: RunResult;
}

/** Trains on synthetic pairs in `folder`. By default without intermediate pictures and checkpoints. */
export async function train(
  device: Device,
  folder: string,
  options: Partial<RunOptions> = {},
  {
    model = new Pix2Pix(device, tinyConfig()),
    interrupted = never,
  }: { model?: Pix2Pix; interrupted?: () => boolean } = {},
): Promise<Training> {
  await model.prepare();
  const { width, height, batch, seed } = model.config;
  const loader = new BatchLoader(madeUpPairs(10, { width, height }), { batchSize: batch, seed });
  const test = madeUpPairs(5, { width, height, offset: 100 });
  const defaults: RunOptions = {
    folder,
    name: 'tiny',
    steps: 6,
    logEvery: 4,
    sampleEvery: 0,
    saveEvery: 0,
    saveEveryEpochs: 0,
    heldOut: { samples: 3, maxSamples: 256 },
    resumed: false,
    record: { preset: 'tiny' },
  };
  const progress = new Progress({ stream: nowhere });
  const result = await trainPix2Pix(model, loader, test, { ...defaults, ...options }, progress, interrupted);
  return { model, result };
}

/** Every tensor of the state, as bits. */
export async function bits(model: Pix2Pix): Promise<Map<string, Uint8Array>> {
  const state = await captureState(model);
  return new Map(
    [...state].map(([name, { data }]) => [name, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]),
  );
}

const never = () => false;
const nowhere = { isTTY: false, write: () => true } as unknown as NodeJS.WriteStream;

/** Folders that are deleted when the file's tests are done. */
export function temporaryFolders(): () => string {
  const made: string[] = [];
  afterAll(() => {
    for (const folder of made) rmSync(folder, { recursive: true, force: true });
  });
  return () => {
    const folder = mkdtempSync(join(tmpdir(), 'pixtape-run-'));
    made.push(folder);
    return folder;
  };
}
