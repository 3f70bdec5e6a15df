import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { continuedGanConfig, freshGanConfig } from '../../../../src/cli/gan/config.ts';
import type { GanFlags } from '../../../../src/cli/gan/flags.ts';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { noGrad } from '../../../../src/engine/tape/autograd.ts';
import { record } from '../../../../src/engine/tape/record.ts';
import { Tensor } from '../../../../src/engine/tape/tensor.ts';
import { RandomStream } from '../../../../src/engine/util/random.ts';
import { readSafetensors } from '../../../../src/files/files.ts';
import { DcganDiscriminator, DcganGenerator } from '../../../../src/pix2pix/models/dcgan.ts';
import { readCheckpointHeader } from '../../../../src/pix2pix/train/checkpoint/checkpoint.ts';
import { loadGan, loadGanGenerator, readGanHeader } from '../../../../src/pix2pix/train/checkpoint/gan_checkpoint.ts';
import { dcganConfig, GAN_PRESETS, ganRates } from '../../../../src/pix2pix/train/config/gan_config.ts';
import { oneHot } from '../../../../src/pix2pix/train/config/one_hot.ts';
import { readLog } from '../../../../src/pix2pix/train/loop/folder/log.ts';
import { fixedNoise, planSamples, slerp, trainingSheet } from '../../../../src/pix2pix/train/sheets/gan_samples.ts';
import { Gan } from '../../../../src/pix2pix/train/steps/gan.ts';
import { GanSampler } from '../../../../src/pix2pix/train/steps/gan_sampler.ts';
import { openTestDevice } from '../../../device.ts';
import { temporaryFolders } from '../tiny.ts';
import { ganBits, tinyGan, trainTinyGan } from '../tiny_gan.ts';

vi.setConfig({ testTimeout: 240_000 });
const folder = temporaryFolders();
let device: Device;
beforeAll(async () => {
  device = await openTestDevice();
});
afterAll(() => device.destroy());

const log = async (path: string) =>
  (await readLog(join(path, 'log.jsonl'))).map(({ imagesPerSecond: _, seconds: __, ...rest }) => rest);

describe('the networks', () => {
  it("have the parameters of PyTorch's DCGAN tutorial, under its names", () => {
    const config = dcganConfig(GAN_PRESETS.dcgan);
    const [generator, disc] = [new DcganGenerator(device, config), new DcganDiscriminator(device, config)];
    expect(generator.parameterCount).toBe(3_576_704);
    expect(disc.parameterCount).toBe(2_765_568);
    const names = (network: DcganGenerator | DcganDiscriminator) =>
      network
        .stateEntries()
        .map((e) => e.name)
        .filter((name) => name.endsWith('.weight'));
    expect(names(generator)).toEqual([0, 1, 3, 4, 6, 7, 9, 10, 12].map((i) => `main.${i}.weight`));
    expect(names(disc)).toEqual([0, 2, 3, 5, 6, 8, 9, 11].map((i) => `main.${i}.weight`));
  });

  it('refuse sides that do not halve to four, and labels that do not fit', async () => {
    expect(() => new DcganGenerator(device, { side: 48, nz: 4, ngf: 2, ndf: 2, classes: 0 })).toThrow(/48 × 48/);
    const generator = new DcganGenerator(device, { side: 8, nz: 4, ngf: 2, ndf: 2, classes: 3 });
    const noise = Tensor.zeros(device, [1, 4, 1, 1]);
    await expect(record(device, () => generator.forward(noise))).rejects.toThrow(/3 classes, but no labels/);
  });

  it('both depend on the class', async () => {
    const { generator, disc } = new Gan(device, tinyGan());
    const noise = Tensor.from(device, [1, 4, 1, 1], fixedNoise(1, 0, 4));
    const labels = [0, 1, 2].map((k) => Tensor.from(device, [1, 3, 1, 1], oneHot([k], 3)));
    const picture = Tensor.from(device, [1, 3, 8, 8], new Float32Array(192).fill(0.3));
    const recorded = await record(device, () => {
      generator.eval();
      disc.eval();
      return noGrad(() => labels.map((of) => [generator.forward(noise, of), disc.forward(picture, of)] as const));
    });
    recorded.run();
    const { outputs } = recorded;
    const made = await Promise.all(outputs.map(([p]) => p.read()));
    const logits = await Promise.all(outputs.map(([, d]) => d.read()));
    for (const [a, b] of [
      [0, 1],
      [0, 2],
      [1, 2],
    ] as const) {
      expect(made[a]).not.toEqual(made[b]);
      expect(logits[a]).not.toEqual(logits[b]);
    }
  });
});

it("makes the training steps that PyTorch makes, with classes and wrong labels, batch norm's statistics included", async () => {
  const path = fileURLToPath(new URL('../../../fixtures/gan.safetensors', import.meta.url));
  const file = await readSafetensors(path);
  const { steps, classes, ...given } = JSON.parse(file.metadata.config ?? '');
  const model = new Gan(device, { ...tinyGan(), ...given, classes: ['a', 'b', 'c'].slice(0, classes), matching: true });
  const values = new Map<string, Awaited<ReturnType<typeof file.read>>>();
  for (const name of file.entries.keys()) values.set(name, await file.read(name));
  await file.close();
  const under = (prefix: string) =>
    new Map(
      [...values].flatMap(([name, v]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), v] as const] : [])),
    );
  const floats = (name: string) => values.get(name)?.data as Float32Array;
  const numbers = (name: string) => Array.from(values.get(name)?.data as BigInt64Array, Number);
  model.generator.loadStateDict(under('gen.'), { source: path });
  model.disc.loadStateDict(under('disc.'), { source: path });
  await model.prepare();
  for (let n = 0; n < steps; n++) {
    const batch = { pictures: floats(`${n}.pictures`), noise: floats(`${n}.noise`) };
    model.train({ ...batch, labels: numbers(`${n}.labels`), wrong: numbers(`${n}.wrong`) });
  }
  const rows = await model.lossesSince(0);
  rows.forEach(({ disc, gen, scoreReal, scoreFake }, n) => {
    [disc, gen, scoreReal, scoreFake].forEach((loss, i) => {
      expect(Math.abs(loss - (floats(`${n}.losses`)[i] as number)), `loss ${i} of step ${n}`).toBeLessThan(2e-5);
    });
  });
  for (const [net, network] of [
    ['gen', model.generator],
    ['disc', model.disc],
  ] as const) {
    for (const { name, tensor, kind } of network.stateEntries()) {
      const want = values.get(`after.${net}.${name}`)?.data;
      if (kind === 'counter') {
        expect((await tensor.readIntegers())[0], name).toBe(Number(want?.[0]));
        continue;
      }
      const got = await tensor.read();
      (want as Float32Array).forEach((value, i) => {
        expect(Math.abs((got[i] as number) - value), `${net}.${name}[${i}]`).toBeLessThan(
          1e-4 + 1e-4 * Math.abs(value),
        );
      });
    }
  }
});

describe('a run', { tags: 'long' }, () => {
  it.each([
    ['with classes', tinyGan()],
    ['without, least squares', tinyGan({ classes: [], ganMode: 'lsgan', realTarget: 1 })],
  ])('goes on bit for bit as if never stopped: %s', async (_, config) => {
    const [whole, parts] = [folder(), folder()];
    const straight = await trainTinyGan(device, whole, { steps: 6, sampleEvery: 3 }, new Gan(device, config));
    await trainTinyGan(device, parts, { steps: 3, sampleEvery: 3 }, new Gan(device, config));
    const { model } = await loadGan(device, join(parts, 'latest.safetensors'));
    const resumed = await trainTinyGan(device, parts, { steps: 6, sampleEvery: 3, resumed: true }, model);
    expect(resumed.model.step).toBe(6);
    expect(await ganBits(resumed.model)).toEqual(await ganBits(straight.model));
    expect(await log(parts)).toEqual(await log(whole));
    expect((await log(parts)).map((line) => line.step)).toEqual([1, 2, 3, 4, 5, 6]);
    for (const name of ['samples/step-000003.png', 'samples/step-000006.png']) {
      expect(Buffer.compare(readFileSync(join(parts, name)), readFileSync(join(whole, name)))).toBe(0);
    }
    const html = readFileSync(straight.result.report, 'utf8');
    expect(html).toContain('data-step="6"');
    expect(html).toContain('Discriminator loss');
    expect(html).not.toContain('condition, output');
  });

  it('draws other weights and noise from another seed', async () => {
    const [a, b] = [folder(), folder()];
    await trainTinyGan(device, a, { steps: 2 });
    await trainTinyGan(device, b, { steps: 2 }, new Gan(device, tinyGan({ seed: 8 })));
    expect((await log(a))[0]?.lossD).not.toBe((await log(b))[0]?.lossD);
  });

  it('stops at a loss that is not a number, and keeps the last good checkpoint', async () => {
    const path = folder();
    const { model } = await trainTinyGan(device, path, { steps: 2 });
    const good = readFileSync(join(path, 'latest.safetensors'));
    (model.disc.parameters()[0] as Tensor).write(
      new Float32Array(model.disc.parameters()[0]?.size ?? 0).fill(Number.NaN),
    );
    const going = trainTinyGan(device, path, { steps: 9, resumed: true, logEvery: 1 }, model);
    await expect(going).rejects.toThrow(/step 3: the discriminator loss is NaN[\s\S]*--lr/);
    expect(Buffer.compare(readFileSync(join(path, 'latest.safetensors')), good)).toBe(0);
  });

  it('leaves a checkpoint that other commands know for what it is', async () => {
    const path = folder();
    await trainTinyGan(device, path, { steps: 1 });
    const file = join(path, 'latest.safetensors');
    expect(await readGanHeader(file)).toMatchObject({ step: 1, config: tinyGan() });
    await expect(readCheckpointHeader(file)).rejects.toThrow(/`pixtape gan` wrote: pixtape sample draws with it/);
    expect(existsSync(join(path, 'report.html'))).toBe(true);
  });
});

it('lowers the learning rates to zero in the last steps, if asked to', () => {
  const config = tinyGan({ lr: 4, lrDisc: 2, steps: 100, stepsDecay: 40 });
  const rates = [0, 60, 80, 99, 100, 200].map((done) => ganRates(config, done));
  expect(rates.map(({ gen }) => gen)).toEqual([4, 4, 2, 0.1, 0, 0]);
  expect(rates.map(({ disc }) => disc)).toEqual([2, 2, 1, 0.05, 0, 0]);
  expect(ganRates({ ...config, stepsDecay: 0 }, 200)).toEqual({ gen: 4, disc: 2 });
});

describe('sampling', () => {
  it('reproduces the training run’s grid from the checkpoint, in another folder', async () => {
    const path = folder();
    const { model } = await trainTinyGan(device, path, { steps: 4 });
    const other = await openTestDevice();
    try {
      const { generator, header } = await loadGanGenerator(other, join(path, 'latest.safetensors'));
      const png = await trainingSheet(new GanSampler(other, generator), header.config, 9, () => false);
      expect(Buffer.compare(Buffer.from(png ?? []), readFileSync(join(path, 'samples', 'step-000004.png')))).toBe(0);
      expect(model.step).toBe(4);
    } finally {
      other.destroy();
    }
  });

  it('generates a picture from its own noise and class, whatever the rest of the batch, and does not change the state', async () => {
    const { model } = await trainTinyGan(device, folder(), { steps: 3 });
    const before = await ganBits(model);
    const plan = planSamples(model.config, { seed: 3, count: 60 }).flat();
    const together = await model.sampler.draw(plan);
    expect(together).toHaveLength(60);
    for (const i of [0, 7, 23, 59]) {
      const alone = await model.sampler.draw([plan[i] as (typeof plan)[number]]);
      expect(alone[0]).toEqual(together[i]);
    }
    for (const value of together.flatMap((p) => [...p])) expect(value >= 0 && value <= 1).toBe(true);
    expect(await ganBits(model)).toEqual(before);
  });

  it('continues with the falling learning rate that it had', () => {
    const given = { preset: 'quick', steps: 4000, steps_decay: 4000 } as const;
    const run = freshGanConfig(given as GanFlags, given);
    expect(run.stepsDecay).toBe(4000);
    expect(continuedGanConfig(run, {})).toEqual(run);
    expect(continuedGanConfig(run, { steps: 4000 })).toEqual(run);
    expect(continuedGanConfig(run, { steps: 6000 }).stepsDecay).toBe(3000);
  });

  it('plans a row for each class with the same noise, one class alone, and strips', () => {
    const config = tinyGan();
    const rows = planSamples(config, { seed: 5, count: 7 });
    expect(rows.map((row) => row.map(({ label }) => label))).toEqual([
      [0, 0, 0],
      [1, 1, 1],
      [2, 2, 2],
    ]);
    expect(rows[0]?.[1]?.noise).toEqual(rows[2]?.[1]?.noise);
    const [only] = planSamples(config, { seed: 5, count: 4, label: 2 });
    expect(only?.map(({ name }) => name)).toEqual(['blue-001', 'blue-002', 'blue-003', 'blue-004']);
    expect(only?.[1]?.noise).toEqual(rows[0]?.[1]?.noise);
    const strips = planSamples(config, { seed: 5, count: 10, interpolate: 5 });
    expect(strips.map((strip) => strip.length)).toEqual([5, 5]);
    const close = (a: Float32Array | undefined, index: number) => {
      a?.forEach((v, i) => {
        expect(v).toBeCloseTo(fixedNoise(5, index, 4)[i] as number, 5);
      });
    };
    close(strips[0]?.[0]?.noise, 0);
    close(strips[0]?.[4]?.noise, 1);
    close(strips[1]?.[0]?.noise, 2);
  });

  it('interpolates with constant length', () => {
    const [a, b] = [Float32Array.of(1, 0, 0), Float32Array.of(0, 1, 0)];
    expect(Math.hypot(...slerp(a, b, 0.5))).toBeCloseTo(1, 6);
    expect([...slerp(a, a, 0.5)]).toEqual([1, 0, 0]);
    expect([...slerp(Float32Array.of(2), Float32Array.of(-2), 0.25)]).toEqual([1]);
    const random = new RandomStream(1, 2);
    const long = () => Float32Array.from({ length: 100 }, () => random.normal());
    expect(Math.hypot(...slerp(long(), long(), 0.5))).toBeGreaterThan(8);
  });
});
