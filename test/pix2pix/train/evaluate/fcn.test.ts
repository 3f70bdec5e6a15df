import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { RandomStream } from '../../../../src/engine/util/random.ts';
import type { DataOptions } from '../../../../src/pix2pix/data/sets/dataset.ts';
import { labelPicture, readClasses } from '../../../../src/pix2pix/data/sources/facades/picture/classes.ts';
import { openDataset } from '../../../../src/pix2pix/data/sources/open.ts';
import { Segmenter } from '../../../../src/pix2pix/models/segmenter.ts';
import { FcnReader, fcnFor, openLabelled } from '../../../../src/pix2pix/train/evaluate/fcn.ts';
import { Confusion } from '../../../../src/pix2pix/train/evaluate/segmentation.ts';
import { ClassifierTraining, type ExampleSet } from '../../../../src/pix2pix/train/steps/classifier.ts';
import { closeTestDevice, openTestDevice } from '../../../device.ts';
import { options } from '../../data/pictures.ts';

let device: Device;
let cache: string;
beforeAll(async () => {
  cache = mkdtempSync(join(tmpdir(), 'pixtape-fcn-'));
  vi.stubEnv('XDG_CACHE_HOME', cache);
  device = await openTestDevice();
});
afterAll(async () => {
  await closeTestDevice(device);
  vi.unstubAllEnvs();
  rmSync(cache, { recursive: true });
});

describe('scores', () => {
  // By hand: class 0 has 4 pixels, 3 of them right; class 1 has 2, 1 of them right; class 2 has none.
  it('are those of Long et al., over the classes that occur', () => {
    const confusion = new Confusion(3);
    confusion.add([0, 0, 0], [0, 0, 1]);
    confusion.add([0, 1, 1], [0, 2, 1]);
    const { pixel, perClass, iou, classes } = confusion.scores();
    expect(pixel).toBeCloseTo(4 / 6, 12);
    expect(perClass).toBeCloseTo((3 / 4 + 1 / 2) / 2, 12);
    expect(iou).toBeCloseTo((3 / 4 + 1 / 3) / 2, 12);
    expect(classes.map(({ share }) => share)).toEqual([4 / 6, 2 / 6, 0]);
    expect(classes[2]?.iou).toBeNaN();
  });

  it('refuse a map of another size', () => {
    expect(() => new Confusion(2).add([0, 1], [0])).toThrow(/1 names for 2 pixels/);
  });
});

describe('label maps', () => {
  const labels = Uint8Array.from({ length: 24 }, (_, i) => i % 12);
  const { data } = labelPicture(labels, 6, 4);

  it('are recovered from their colours, also from colours altered by JPEG', () => {
    const exact = Float32Array.from(data, (v) => v / 255);
    expect(readClasses(exact)).toEqual({ labels, strange: 0 });
    const moved = exact.map((v, i) => v + (i % 2 === 0 ? 0.1 : -0.1));
    expect(readClasses(moved)).toEqual({ labels, strange: 0 });
  });

  it('are distinguished from pictures', () => {
    expect(readClasses(new Float32Array(72).fill(0.5)).strange).toBe(1);
  });
});

/** Squares of the two brightnesses of two classes, wherever `random` puts them. */
const squares = (side: number): ExampleSet => ({
  length: 6,
  async example(index, augment) {
    const random = augment();
    const [x0, y0] = [random.below(side / 2), random.below(side / 2)];
    const labels = Uint8Array.from({ length: side * side }, (_, i) => {
      const [x, y] = [i % side, Math.floor(i / side)];
      return x >= x0 && x < x0 + side / 2 && y >= y0 && y < y0 + side / 2 ? 1 : 0;
    });
    const picture = Float32Array.from({ length: 3 * side * side }, (_, i) => {
      return 0.2 + 0.6 * (labels[i % (side * side)] as number) + 0.01 * index;
    });
    return { picture, labels };
  },
});

it('a segmenter learns where things are, to the pixel, and the same twice', { timeout: 300_000 }, async () => {
  const training = () => {
    const size = { height: 16, width: 16, places: [16, 16] as const, classes: 2, batch: 2, lr: 0.02, seed: 4 };
    return new ClassifierTraining(device, new Segmenter(device, { hidden: 2, classes: 2 }), size);
  };
  const [one, other] = [training(), training()];
  const early = await one.train(squares(16), 5);
  expect(await other.train(squares(16), 5)).toBe(early);
  expect(await one.train(squares(16), 40)).toBeLessThan(early);
  const unseen = await Promise.all([90, 91, 92].map((n) => squares(16).example(0, () => new RandomStream(n, 1))));
  const named = await one.classify(unseen.map(({ picture }) => picture));
  const confusion = new Confusion(2);
  confusion.add(
    unseen.flatMap(({ labels }) => Array.from(labels)),
    named,
  );
  expect(confusion.scores().pixel).toBeGreaterThan(0.95);
});

it('a segmenter accepts sides that do not halve evenly, and refuses sides below 8', async () => {
  const classify = async (height: number, width: number) => {
    const size = { height, width, places: [height, width] as const, classes: 3, batch: 1, lr: 0.01, seed: 4 };
    const training = new ClassifierTraining(device, new Segmenter(device, { hidden: 1, classes: 3 }), size);
    return training.classify([new Float32Array(3 * height * width)]);
  };
  expect(await classify(9, 21)).toHaveLength(9 * 21);
  await expect(classify(7, 16)).rejects.toThrow(/16 × 7 are too small .* at least 8/);
});

const facades = (more: Partial<DataOptions> = {}): DataOptions => {
  const { dataroot: _, ...opening } = options('', { data: 'facades-toy', width: 16, height: 16, maxDatasetSize: 6 });
  return { ...opening, flip: true, ...more };
};

it('is trained once for the same pictures, again for others, and predicts their labels', {
  tags: 'long',
  timeout: 300_000,
}, async () => {
  const open = async (more: Partial<DataOptions> = {}) => {
    const opening = facades(more);
    return openLabelled(opening, await openDataset(opening));
  };
  const { train, test } = await open();
  const first = await fcnFor(device, train, { steps: 100 });
  expect(first.fresh).toBe(true);
  expect(existsSync(first.record.file)).toBe(true);
  const again = await fcnFor(device, train, { steps: 100 });
  expect([again.fresh, again.record]).toEqual([false, first.record]);

  const look = async (judge: typeof first.judge) => {
    const reader = new FcnReader(judge, test);
    for (const i of [0, 1, 2]) {
      const { picture: real } = await test.example(i);
      await reader.look(i, { real, ours: new Float32Array(real.length).fill(0.5), copy: real });
    }
    return reader.scores();
  };
  const [fresh, kept] = [await look(first.judge), await look(again.judge)];
  expect(kept).toEqual(fresh);
  expect(Object.keys(fresh).sort()).toEqual(['ours', 'real']);
  expect(fresh.real?.pixel).toBeGreaterThan((fresh.ours?.pixel ?? 1) + 0.1);

  // Blended pictures differ, but their maps are exact.
  const blended = await open({ resize: 'bilinear' });
  expect((await blended.train.example(1)).labels).toEqual((await train.example(1)).labels);
  expect((await blended.train.example(1)).picture).not.toEqual((await train.example(1)).picture);
});

it('refuses pictures of four bands', async () => {
  const opening = facades();
  const data = await openDataset(opening);
  const bands = { ...opening, channels: { condition: 3, real: 4 } };
  await expect(openLabelled(bands, data)).rejects.toThrow(/1 or 3 channels; these have 4/);
});

it('refuses conditions that are no label maps', async () => {
  const opening = facades({ direction: 'AtoB' });
  await expect(openLabelled(opening, await openDataset(opening))).rejects.toThrow(
    /the condition of facade 1 is not a map .*% of its pixels.*\n.*--data facades-toy/,
  );
});
