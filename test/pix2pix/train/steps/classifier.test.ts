import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { Classifier } from '../../../../src/pix2pix/models/classifier.ts';
import { agreement, testClassifier, testGan } from '../../../../src/pix2pix/train/evaluate/eval_classes.ts';
import { examplesOf, pictureClassifier } from '../../../../src/pix2pix/train/steps/classifier.ts';
import { Gan } from '../../../../src/pix2pix/train/steps/gan.ts';
import { openTestDevice } from '../../../device.ts';
import { colourPictures, tinyGan } from '../tiny_gan.ts';

let device: Device;
beforeAll(async () => {
  device = await openTestDevice();
});
afterAll(() => device.destroy());

const training = () => pictureClassifier(device, { side: 8, classes: 3, hidden: 2, batch: 6, lr: 0.02, seed: 1 });

it('learns separable classes, to the last picture, and the same twice', {
  tags: 'long',
  timeout: 120_000,
}, async () => {
  const set = colourPictures(12, { augment: true });
  const [one, two] = [training(), training()];
  const before = await testClassifier(one, set, 36, 5);
  expect(before.share).toBeLessThan(0.9);
  const loss = await one.train(examplesOf(set), 40);
  expect(await two.train(examplesOf(set), 40)).toBe(loss);
  const { share, of, counts } = await testClassifier(one, set, 36, 5);
  expect(of).toBe(36);
  expect(share).toBe(1);
  expect(counts).toEqual([
    [12, 0, 0],
    [0, 12, 0],
    [0, 0, 12],
  ]);
  // Unseen pictures, in a batch that is not full.
  const others = await Promise.all([9, 10, 11, 12, 13].map((i) => colourPictures(15, { classes: [] }).picture(i)));
  expect([...(await one.classify(others))]).toEqual([0, 1, 2, 0, 1]);
});

it("looks at a GAN's pictures, evenly of each class", { timeout: 60_000 }, async () => {
  const model = new Gan(device, tinyGan());
  const { counts, of, shares, share } = await testGan(training(), model.sampler, model.config, { seed: 1, count: 10 });
  expect(of).toBe(12);
  expect(counts.map((row) => row.reduce((a, b) => a + b, 0))).toEqual([4, 4, 4]);
  expect(share).toBeCloseTo(shares.reduce((a, b) => a + b, 0) / 3, 9);
});

it('counts agreement by class', () => {
  const { counts, share, shares } = agreement([0, 0, 1, 1, 1, 1], [0, 1, 1, 1, 1, 0], 2);
  expect(counts).toEqual([
    [1, 1],
    [1, 3],
  ]);
  expect(share).toBeCloseTo(4 / 6, 9);
  expect(shares).toEqual([0.5, 0.75]);
});

it('refuses sides that do not halve to four', () => {
  expect(() => new Classifier(device, { side: 24, hidden: 2, classes: 2 })).toThrow(/24 × 24/);
});
