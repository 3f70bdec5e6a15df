import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { rand, randn } from '../../../../src/engine/ops/random/random.ts';
import { Rng } from '../../../../src/engine/ops/random/rng.ts';
import { record } from '../../../../src/engine/tape/record.ts';
import { closeTestDevice, openTestDevice } from '../../../device.ts';
import { philox } from './philox.ts';

let device: Device;

beforeAll(async () => {
  device = await openTestDevice({ guards: true });
});
afterAll(() => closeTestDevice(device));

const N = 40_003;
const QUARTER = Math.ceil(N / 4);

/** Word `i / quarter` of block `i % quarter`, of a layer and a step, as 24 bits of a fraction. */
function fractions(seed: number, step: number, layer: number): number[] {
  const blocks = Array.from({ length: QUARTER }, (_, i) => philox([i, layer, step, 0], [seed, 0]));
  return Array.from({ length: 4 * QUARTER }, (_, i) => {
    return ((blocks[i % QUARTER]?.[Math.floor(i / QUARTER)] as number) >>> 8) / 2 ** 24;
  });
}

test('uniform numbers follow from the key; every call and every run has its own', async () => {
  const rng = new Rng(device, 77);
  const recorded = await record(device, () => [rand(device, [N], rng), rand(device, [13, 7], rng)] as const);
  for (const step of [0, 1]) {
    recorded.run();
    const [first, second] = await Promise.all(recorded.outputs.map((t) => t.read()));
    expect([...first!]).toEqual(fractions(77, step, 0).slice(0, N));
    expect(second).toHaveLength(91);
    expect([...second!.subarray(0, 23)]).not.toEqual([...first!.subarray(0, 23)]);
  }
  expect(await recorded.program.brokenGuards()).toEqual([]);
  recorded.destroy();
  rng.dispose();
});

test('normal numbers are Box and Muller’s for the same words, with the moments of the distribution', async () => {
  const rng = new Rng(device, 5);
  const recorded = await record(device, () => randn(device, [N], rng));
  recorded.run();
  const values = await recorded.outputs.read();
  const words = fractions(5, 0, 0);
  for (let i = 0; i < QUARTER; i++) {
    const [a, b, c, d] = [0, 1, 2, 3].map((k) => words[i + k * QUARTER] as number) as [number, number, number, number];
    const want = [
      [a, b],
      [c, d],
    ].flatMap(([u, v]) => {
      const radius = Math.sqrt(-2 * Math.log(1 - (u as number)));
      return [radius * Math.cos(2 * Math.PI * (v as number)), radius * Math.sin(2 * Math.PI * (v as number))];
    });
    want.forEach((w, k) => {
      const place = i + k * QUARTER;
      if (place < N) expect(Math.abs((values[place] as number) - w)).toBeLessThan(5e-6);
    });
  }
  const moment = (k: number) => values.reduce((sum, v) => sum + v ** k, 0) / N;
  expect(Math.abs(moment(1))).toBeLessThan(5 / Math.sqrt(N));
  expect(Math.abs(moment(2) - 1)).toBeLessThan(5 * Math.sqrt(2 / N));
  expect(Math.abs(moment(4) - 3)).toBeLessThan(5 * Math.sqrt(96 / N));
  recorded.destroy();
  rng.dispose();
});

test('an invalid shape is named', async () => {
  const recorded = await record(device, () => {
    expect(() => rand(device, [2, 0.5])).toThrow(
      /rand: shape is \[2, 0.5\]; it must be a list of values, each a whole/,
    );
    expect(() => randn(device, null as never)).toThrow(/randn: shape is null/);
    return rand(device, [2]);
  });
  recorded.destroy();
});
