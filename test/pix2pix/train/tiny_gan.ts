import type { Device } from '../../../src/engine/gpu/device.ts';
import { Budget } from '../../../src/pix2pix/data/sets/pairs.ts';
import { PictureSet } from '../../../src/pix2pix/data/sets/picture_set.ts';
import { captureState } from '../../../src/pix2pix/train/checkpoint/state.ts';
import { GAN_PRESETS, type GanConfig } from '../../../src/pix2pix/train/config/gan_config.ts';
import { ganBatches } from '../../../src/pix2pix/train/gan/gan_batches.ts';
import { trainGan } from '../../../src/pix2pix/train/gan/gan_run.ts';
import { Progress } from '../../../src/pix2pix/train/loop/progress.ts';
import type { LoopOptions, LoopResult } from '../../../src/pix2pix/train/loop/task.ts';
import { Gan } from '../../../src/pix2pix/train/steps/gan.ts';

export const COLOURS = ['red', 'green', 'blue'];

/** A complete class-conditional GAN that trains in milliseconds. */
export function tinyGan(more: Partial<GanConfig> = {}): GanConfig {
  const sizes = { side: 8, nz: 4, ngf: 2, ndf: 2, batch: 3 };
  return { ...GAN_PRESETS.quick, ...sizes, classes: COLOURS, seed: 7, ...more };
}

/** Plain pictures in three colours, each slightly brighter than the previous one; with `classes` they are labelled. */
export function colourPictures(count: number, { side = 8, classes = COLOURS, augment = false } = {}): PictureSet {
  const source = {
    length: count,
    name: (i: number) => `picture ${i}`,
    label: (i: number) => (classes.length > 0 ? i % 3 : 0),
    load: async (i: number, size: number) => {
      const plane = size * size;
      const colour = (j: number) => (Math.floor(j / plane) === i % 3 ? 200 + i : 20 + i);
      return { width: size, height: size, data: Uint8Array.from({ length: 3 * plane }, (_, j) => colour(j)) };
    },
  };
  const common = { skipBad: false, budget: new Budget(2 ** 20), warn: () => undefined };
  return new PictureSet(source, { side, classes, augment, flip: augment, ...common });
}

/** Trains on colour pictures in `folder`. By default without intermediate grids and checkpoints. */
export async function trainTinyGan(
  device: Device,
  folder: string,
  options: Partial<LoopOptions> = {},
  model = new Gan(device, tinyGan()),
): Promise<{ model: Gan; result: LoopResult }> {
  await model.prepare();
  const { batch, seed, classes, side } = model.config;
  const loader = ganBatches(colourPictures(9, { side, classes, augment: true }), { batchSize: batch, seed });
  const quiet = { logEvery: 4, sampleEvery: 0, saveEvery: 0, saveEveryEpochs: 0, resumed: false, record: {} };
  const all = { folder, name: 'tiny', steps: 6, ...quiet, samples: 9, ...options };
  return { model, result: await trainGan(model, loader, all, new Progress({ stream: nowhere }), () => false) };
}

const nowhere = { isTTY: false, write: () => true } as unknown as NodeJS.WriteStream;

/** Every tensor of the state, as bits. */
export async function ganBits(model: Gan): Promise<Map<string, Uint8Array>> {
  const state = await captureState(model);
  return new Map(
    [...state].map(([name, { data }]) => [name, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]),
  );
}
