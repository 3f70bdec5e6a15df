import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { run } from '../../../../src/engine/tape/record.ts';
import { Tensor } from '../../../../src/engine/tape/tensor.ts';
import type { NamedTensor } from '../../../../src/engine/util/safetensors.ts';
import { readSafetensors } from '../../../../src/files/files.ts';
import { loadGenerator } from '../../../../src/pix2pix/train/checkpoint/checkpoint.ts';
import { loadCycleGan, saveCycleGan } from '../../../../src/pix2pix/train/cycle/checkpoint.ts';
import { CYCLE_PRESETS, type CycleConfig } from '../../../../src/pix2pix/train/cycle/config.ts';
import { CYCLE_LOSS_NAMES, CycleGan } from '../../../../src/pix2pix/train/cycle/cycle_gan.ts';
import { ImagePool } from '../../../../src/pix2pix/train/cycle/image_pool.ts';
import { closeTestDevice, openTestDevice } from '../../../device.ts';

let device: Device;
const folder = mkdtempSync(join(tmpdir(), 'pixtape-cycle-'));
beforeAll(async () => {
  device = await openTestDevice();
});
afterAll(() => {
  closeTestDevice(device);
  rmSync(folder, { recursive: true });
});

const small: CycleConfig = {
  ...CYCLE_PRESETS.quick,
  width: 32,
  height: 32,
  batch: 2,
  generator: { ...CYCLE_PRESETS.quick.generator, hidden: 2, depth: 1 },
  discHidden: 2,
  poolSize: 3,
};
const noise = (n: number, seed: number) =>
  Float32Array.from({ length: n }, (_, i) => ((i * 37 + seed * 101) % 97) / 96);
const batch = (step: number) => ({ a: noise(2 * 3 * 32 * 32, 2 * step), b: noise(2 * 3 * 32 * 32, 2 * step + 1) });

describe('compared with PyTorch', () => {
  it('three steps: every loss, and every weight afterwards', { timeout: 240_000 }, async () => {
    const path = fileURLToPath(new URL('../../../fixtures/cycle.safetensors', import.meta.url));
    const file = await readSafetensors(path);
    const values = new Map<string, NamedTensor>();
    for (const name of file.entries.keys()) values.set(name, await file.read(name));
    await file.close();
    const { hidden, depth, steps, ...rest } = JSON.parse(file.metadata.config ?? '');
    const config: CycleConfig = {
      ...small,
      ...rest,
      lrDisc: rest.lr,
      generator: { ...small.generator, hidden, depth },
      poolSize: 0,
      epochs: 100,
      epochsDecay: 0,
    };
    const model = new CycleGan(device, config, { initialise: false });
    const under = (prefix: string) =>
      new Map(
        [...values].flatMap(([name, v]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), v] as const] : [])),
      );
    const nets = { G_A: model.netGA, G_B: model.netGB, D_A: model.netDA, D_B: model.netDB };
    for (const [name, net] of Object.entries(nets)) net.loadStateDict(under(`${name}.`), { source: path });
    await model.prepare();
    const floats = (name: string) => values.get(name)?.data as Float32Array;
    for (let n = 0; n < steps; n++) {
      const unit = (v: Float32Array) => v.map((x) => (x + 1) / 2);
      model.train({ a: unit(floats(`${n}.a`)), b: unit(floats(`${n}.b`)) }, 0);
    }
    for (const row of await model.lossesSince(0)) {
      (Object.keys(CYCLE_LOSS_NAMES) as (keyof typeof CYCLE_LOSS_NAMES)[]).forEach((name, i) => {
        const want = floats(`${row.step}.losses`)[i] as number;
        expect(Math.abs(row[name] / want - 1), `${name} of step ${row.step}`).toBeLessThan(2e-5);
      });
    }
    for (const [net, module] of Object.entries(nets)) {
      for (const { name, tensor } of module.stateEntries()) {
        const want = floats(`after.${net}.${name}`);
        // A bias before a norm has only a rounding error as its gradient, which Adam turns into steps of the full rate.
        const normed = name.endsWith('bias') && !/model\.(0|11|13|19)\.bias/.test(name);
        (await tensor.read()).forEach((value, i) => {
          const off = Math.abs(value - (want[i] as number));
          expect(off, `${net}.${name}[${i}]`).toBeLessThan(normed ? 2 * steps * rest.lr : 3e-5);
        });
      }
    }
  });
});

it('continues bit for bit from a checkpoint, pools included; translate accepts either generator', {
  timeout: 240_000,
}, async () => {
  const bits = async (model: CycleGan) => {
    const parts = [model.netGA, model.netGB, model.netDA, model.netDB].flatMap((net) => [...net.stateDict().values()]);
    const pools = [model.poolA.pictures, model.poolB.pictures] as Tensor[];
    return Promise.all(
      [...parts, ...pools].map(async (t) => Buffer.from((await t.read()).slice().buffer).toString('base64')),
    );
  };
  const straight = new CycleGan(device, small);
  await straight.prepare();
  for (let n = 0; n < 5; n++) straight.train(batch(n), n);
  const first = new CycleGan(device, small);
  await first.prepare();
  for (let n = 0; n < 3; n++) first.train(batch(n), n);
  const path = join(folder, 'cycle.safetensors');
  await saveCycleGan(path, first, {});
  const going = await loadCycleGan(device, path);
  await going.prepare();
  expect(going.step).toBe(3);
  for (let n = 3; n < 5; n++) going.train(batch(n), n);
  expect(await bits(going)).toEqual(await bits(straight));

  const x = batch(9)
    .a.subarray(0, 3 * 32 * 32)
    .map((v) => 2 * v - 1);
  for (const [network, own] of [
    ['G_A', first.netGA],
    ['G_B', first.netGB],
  ] as const) {
    const { generator } = await loadGenerator(device, path, undefined, network);
    const input = Tensor.from(device, [1, 3, 32, 32], x);
    const [got, want] = await run(device, () => [generator.eval().forward(input), own.eval().forward(input)]);
    expect(got).toEqual(want);
  }
});

it('a pool fills, then returns the newest or an earlier picture', async () => {
  const pool = new ImagePool(device, [2, 1], { size: 3, seed: 5, number: 0 });
  const x = Tensor.zeros(device, [2, 1], 'x');
  const kept: number[] = [];
  let old = 0;
  for (let step = 0; step < 40; step++) {
    const fresh = [2 * step + 1, 2 * step + 2];
    x.write(fresh);
    pool.setStep(step);
    const shown = [...(await run(device, () => pool.show(x)))];
    shown.forEach((value, n) => {
      const now = fresh[n] as number;
      const before = step * 2 + n < 3;
      if (value !== now) {
        expect(before, 'nothing old before it is full').toBe(false);
        expect(kept).toContain(value);
        kept.splice(kept.indexOf(value), 1, now);
        old++;
      } else if (before) kept.push(now);
    });
    expect([...(await (pool.pictures as Tensor).read())].filter((v) => v > 0).sort((a, b) => a - b)).toEqual(
      [...kept].sort((a, b) => a - b),
    );
  }
  expect(old).toBeGreaterThan(20);
  expect(old).toBeLessThan(57);
});
