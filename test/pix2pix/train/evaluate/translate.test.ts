/** @module-tag long */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import type { NormKind } from '../../../../src/engine/nn/norm.ts';
import { Rng } from '../../../../src/engine/ops/random/rng.ts';
import { writePictureAs } from '../../../../src/pix2pix/data/image/encode.ts';
import { type Picture, readPicture } from '../../../../src/pix2pix/data/image/picture.ts';
import { tutorialSides } from '../../../../src/pix2pix/models/generators/tutorial.ts';
import { createGenerator } from '../../../../src/pix2pix/models/networks.ts';
import { GENERATORS } from '../../../../src/pix2pix/models/registry/generators.ts';
import { loadGenerator } from '../../../../src/pix2pix/train/checkpoint/checkpoint.ts';
import { PRESETS, type TrainConfig } from '../../../../src/pix2pix/train/config/config.ts';
import { CYCLE_PRESETS } from '../../../../src/pix2pix/train/cycle/config.ts';
import { pad, paintedSize, prepare, type Size, translate } from '../../../../src/pix2pix/train/evaluate/translate.ts';
import { Pix2Pix } from '../../../../src/pix2pix/train/steps/pix2pix.ts';
import { Predictor } from '../../../../src/pix2pix/train/steps/predictor.ts';
import { openTestDevice } from '../../../device.ts';
import { madeUpPairs, temporaryFolders, tinyConfig, train } from '../tiny.ts';

const folder = temporaryFolders();
let device: Device;
let run: string;
beforeAll(async () => {
  device = await openTestDevice();
  run = folder();
  // Batch norm that starts at one, so that the prediction is not uniformly grey.
  const model = new Pix2Pix(device, tinyConfig({ init: 'paper', lr: 1e-3, height: 128, width: 128 }));
  await train(device, run, { steps: 5 }, { model });
});
afterAll(() => device.destroy());

/** The size at which the run's generator predicts. */
const fitting = (size: Size) => paintedSize(size, tutorialSides(2), false);
const checkpoint = () => join(run, 'latest.safetensors');
const picture = (width: number, height: number, value = (i: number) => ((i * 7919) % 256) / 255): Picture => ({
  width,
  height,
  data: Float32Array.from({ length: 3 * width * height }, (_, i) => value(i)),
});

it('predicts bit for bit what the training’s sample grid shows', async () => {
  const { generator } = await loadGenerator(device, checkpoint());
  const predictor = new Predictor(device, generator);
  const [name] = readdirSync(join(run, 'samples'));
  const grid = PNG.sync.read(readFileSync(join(run, 'samples', name as string)));
  const test = madeUpPairs(5, { width: 128, height: 128, offset: 100 });
  // Pictures of 128 pixels are shown unscaled. The grid's first row has the first and the third held-out pair.
  let found = 0;
  for (const index of [0, 1, 3]) {
    const { condition } = await test.pair(index);
    const path = join(folder(), 'painted.png');
    const painted = await translate(
      predictor,
      { width: 128, height: 128, data: condition },
      { width: 128, height: 128 },
    );
    await writePictureAs(path, painted);
    const png = PNG.sync.read(readFileSync(path));
    expect(new Set(png.data).size).toBeGreaterThan(3);
    if (contains(grid, png)) found++;
  }
  expect(found).toBe(3);
});

/** Whether one picture occurs in another, pixel for pixel. */
function contains(whole: PNG, part: PNG): boolean {
  const row = (png: PNG, x: number, y: number) =>
    png.data.subarray((y * png.width + x) * 4, (y * png.width + x + part.width) * 4);
  for (let y = 0; y + part.height <= whole.height; y++) {
    for (let x = 0; x + part.width <= whole.width; x++) {
      let same = 0;
      while (same < part.height && row(whole, x, y + same).equals(row(part, 0, same))) same++;
      if (same === part.height) return true;
    }
  }
  return false;
}

it('accepts any size: multiples pass unchanged, others are padded and cropped', async () => {
  const { generator } = await loadGenerator(device, checkpoint());
  const predictor = new Predictor(device, generator);
  const even = picture(20, 12);
  expect((await translate(predictor, even, even)).data).toEqual(await predictor.predict(even.data, 1, 12, 20));
  for (const [width, height] of [
    [17, 13],
    [1, 1],
    [3, 30],
  ] as const) {
    const painted = await translate(predictor, picture(width, height), fitting({ width, height }));
    expect([painted.width, painted.height]).toEqual([width, height]);
    expect(painted.data).toHaveLength(3 * width * height);
    const filled = pad(picture(width, height), fitting({ width, height }));
    const whole = await predictor.predict(filled.data, 1, filled.height, filled.width);
    expect(painted.data[width * height - 1]).toBe(whole[(height - 1) * filled.width + width - 1]);
  }
});

const resnet = (norm: NormKind): TrainConfig => ({
  ...CYCLE_PRESETS.quick,
  norm,
  generator: { ...CYCLE_PRESETS.quick.generator, hidden: 2, depth: 1 },
});
const unet = (norm: NormKind): TrainConfig => ({
  ...PRESETS.paper,
  norm,
  generator: { ...PRESETS.paper.generator, hidden: 2, depth: 5 },
});
const NETWORKS: [string, TrainConfig][] = [
  ['tutorial', tinyConfig()],
  ['tutorial of one level', tinyConfig({ generator: { ...tinyConfig().generator, depth: 1 } })],
  ['unet', unet('batch')],
  ['unet with instance norm', unet('instance')],
  ['resize U-Net', { ...unet('batch'), netG: 'resize_unet' }],
  [
    'resize U-Net of two levels',
    { ...unet('none'), netG: 'resize_unet', generator: { ...unet('none').generator, depth: 2 } },
  ],
  ['resnet', resnet('batch')],
  ['resnet with instance norm', resnet('instance')],
  ['resnet without norm', resnet('none')],
];

it.each(NETWORKS)('predicts the smallest pictures, with dropout, too: %s', async (_, config) => {
  const sides = GENERATORS[config.netG].sidesOf(config.generator);
  for (const sampling of [false, true]) {
    const rng = new Rng(device, 1);
    const predictor = new Predictor(device, createGenerator(device, config, rng), sampling ? { sampling: rng } : {});
    for (const [width, height] of [
      [1, 1],
      [1, 5],
      [5, 2],
    ] as const) {
      const size = paintedSize({ width, height }, sides, sampling);
      const painted = await translate(predictor, picture(width, height), size);
      expect([painted.width, painted.height, painted.data.length]).toEqual([width, height, 3 * width * height]);
      expect(painted.data.every(Number.isFinite)).toBe(true);
    }
    // Sizes that the network supports pass unchanged.
    const whole = { width: 2 * sides.unit, height: 2 * sides.unit };
    expect(paintedSize(whole, sides, sampling)).toEqual(whole);
    predictor.destroy();
  }
});

it('gives a grey generator the luma of a picture, and its prediction three equal planes', async () => {
  const asked: number[][] = [];
  const grey = (channels: { in: number; out: number }) =>
    ({
      channels,
      predict: async (condition: Float32Array) => {
        asked.push([...condition]);
        return Float32Array.of(0.25, 0.5).slice(0, 2 * channels.out);
      },
    }) as unknown as Predictor;
  const colours = { width: 2, height: 1, data: Float32Array.of(1, 0, 0, 1, 0, 0) };
  const answer = await translate(grey({ in: 1, out: 1 }), colours, colours);
  expect(asked[0]?.map((v) => Math.round(1000 * v))).toEqual([299, 587]);
  expect([...answer.data]).toEqual([0.25, 0.5]);
  await expect(translate(grey({ in: 6, out: 3 }), colours, colours)).rejects.toThrow(
    /paints from 6 channels; the picture has 3/,
  );
});

it('pads by repeating the edge', () => {
  const side = fc.integer({ min: 1, max: 9 });
  fc.assert(
    fc.property(side, side, fc.integer({ min: 1, max: 8 }), (width, height, unit) => {
      const from = picture(width, height);
      const to = pad(from, paintedSize(from, { unit, network: 'it', instead: 'none' }, false));
      expect([to.width % unit, to.height % unit]).toEqual([0, 0]);
      expect(to.width - width).toBeLessThan(unit);
      expect(to.height - height).toBeLessThan(unit);
      for (let c = 0; c < 3; c++) {
        for (let y = 0; y < to.height; y++) {
          for (let x = 0; x < to.width; x++) {
            const [fx, fy] = [Math.min(x, width - 1), Math.min(y, height - 1)];
            const value = to.data[(c * to.height + y) * to.width + x];
            if (value !== from.data[(c * height + fy) * width + fx]) throw new Error(`${c} ${x} ${y}`);
          }
        }
      }
    }),
  );
});

it('takes one half, and resizes as training does', () => {
  const pair = picture(8, 4, (i) => ((i % 8) + 1) / 10);
  expect([...prepare(pair, { side: 'left' }).data.subarray(0, 4)].map((v) => Math.round(v * 10))).toEqual([1, 2, 3, 4]);
  expect([...prepare(pair, { side: 'right' }).data.subarray(0, 4)].map((v) => Math.round(v * 10))).toEqual([
    5, 6, 7, 8,
  ]);
  const small = prepare(pair, { side: 'right', resize: { width: 2, height: 2, mode: 'nearest' } });
  expect([...small.data.subarray(0, 2)].map((v) => Math.round(v * 10))).toEqual([5, 7]);
  expect(() => prepare(picture(7, 4), { side: 'left' })).toThrow(/7 pixels wide has no halves/);
});

it('samples with dropout: a picture differs from draw to draw, and repeats with the seed', {
  tags: 'long',
}, async () => {
  const draw = async (seed: number) => {
    const { generator, rng } = await loadGenerator(device, checkpoint(), seed);
    const predictor = new Predictor(device, generator, { sampling: rng });
    const { data } = picture(16, 16);
    return [await predictor.predict(data, 1, 16, 16), await predictor.predict(data, 1, 16, 16)] as const;
  };
  const [first, second] = await draw(3);
  expect(first).not.toEqual(second);
  expect(await draw(3)).toEqual([first, second]);
  const [other] = await draw(4);
  expect(other).not.toEqual(first);
  const { generator } = await loadGenerator(device, checkpoint());
  const evaluated = await new Predictor(device, generator).predict(picture(16, 16).data, 1, 16, 16);
  expect(evaluated).not.toEqual(first);
});

it('writes PNG, WebP and JPEG by the name, the first two exactly', async () => {
  const path = folder();
  mkdirSync(join(path, 'out'));
  const smooth = picture(16, 16, (i) => ((i % 16) * 9 + Math.floor(i / 16)) / 255);
  for (const name of ['a.png', 'a.webp', 'a.JPG', 'a.jpeg']) {
    await writePictureAs(join(path, 'out', name), smooth);
    const back = await readPicture(join(path, 'out', name));
    const error = Math.max(...back.data.map((value, i) => Math.abs(value - smooth.data[i]!)));
    expect(error).toBeLessThan(/jp/i.test(name) ? 0.05 : 1e-6);
  }
  await expect(writePictureAs(join(path, 'a.bmp'), smooth)).rejects.toThrow(/not written as \.bmp/);
  await expect(writePictureAs(join(path, 'a'), smooth)).rejects.toThrow(/says no format/);
  expect(readdirSync(join(path, 'out')).sort()).toEqual(['a.JPG', 'a.jpeg', 'a.png', 'a.webp']);
});
