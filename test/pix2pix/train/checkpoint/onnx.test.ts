import { env, InferenceSession, Tensor as OrtTensor } from 'onnxruntime-web';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { detachedDevice } from '../../../../src/engine/gpu/dry_run.ts';
import { Rng } from '../../../../src/engine/ops/random/rng.ts';
import { decodeSafetensors } from '../../../../src/engine/util/safetensors.ts';
import { createGenerator } from '../../../../src/pix2pix/models/networks.ts';
import { encodeOnnx } from '../../../../src/pix2pix/models/onnx/encode.ts';
import { Message } from '../../../../src/pix2pix/models/onnx/protobuf.ts';
import { GENERATORS } from '../../../../src/pix2pix/models/registry/generators.ts';
import { exportGenerator, exportOnnx } from '../../../../src/pix2pix/train/checkpoint/export.ts';
import { PRESETS, type TrainConfig } from '../../../../src/pix2pix/train/config/config.ts';
import { Predictor } from '../../../../src/pix2pix/train/steps/predictor.ts';
import { closeTestDevice, openTestDevice } from '../../../device.ts';
import { tinyConfig } from '../tiny.ts';
import { deviation, noise, randomGenerator } from './random_generator.ts';

env.wasm.numThreads = 1;

let device: Device;
beforeAll(async () => {
  device = await openTestDevice();
});
afterAll(() => closeTestDevice(device));

const tutorial = (more: Partial<TrainConfig['generator']>) =>
  tinyConfig({ generator: { ...tinyConfig().generator, ...more } });
const unet = (more: Partial<TrainConfig>) =>
  tinyConfig({
    netG: 'unet',
    netD: 'basic',
    generator: { ...PRESETS.paper.generator, hidden: 2, depth: 5 },
    width: 64,
    height: 64,
    ...more,
  });

type Sizes = [batch: number, height: number, width: number][];
const NETWORKS: [string, TrainConfig, Sizes][] = [
  ['the tutorial’s network', tutorial({}), [[1, 16, 16], [3, 20, 28]]], // biome-ignore format: a row each
  ['a batch norm for each place', tutorial({ inChannels: 1, depth: 3, sharedNorm: false }), [[2, 8, 24]]],
  ['the paper’s U-Net', unet({}), [[1, 64, 64], [2, 32, 96]]], // biome-ignore format: likewise
  ['an encoder–decoder', unet({ netG: 'encoder_decoder' }), [[1, 64, 96]]],
  ['a U-Net with instance norm', unet({ norm: 'instance' }), [[1, 64, 96]]],
  ['a U-Net without norm', unet({ norm: 'none' }), [[1, 64, 64]]],
  ['a resize U-Net', unet({ netG: 'resize_unet' }), [[1, 64, 96]]],
  ['a resize U-Net with instance norm', unet({ netG: 'resize_unet', norm: 'instance' }), [[1, 64, 64]]],
];

const joined = (pieces: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(pieces));

it.each(NETWORKS)('onnxruntime predicts what we predict: %s', { tags: 'long' }, async (_, config, sizes) => {
  const { predictor, tensors } = await randomGenerator(device, config);
  const file = joined(await exportOnnx({ config, step: 12, run: {} }, tensors, 'made up'));
  const session = await InferenceSession.create(file, { executionProviders: ['wasm'] });
  expect([session.inputNames, session.outputNames]).toEqual([['condition'], ['picture']]);
  const { inChannels } = config.generator;
  for (const [batch, height, width] of sizes) {
    const condition = noise(batch * inChannels * height * width, height);
    const want = await predictor.predict(condition, batch, height, width);
    const { picture } = await session.run({
      condition: new OrtTensor('float32', condition, [batch, inChannels, height, width]),
    });
    expect(picture?.dims).toEqual([batch, 3, height, width]);
    expect(deviation(picture?.data as Float32Array, want)).toBeLessThan(1e-4);
  }
  await session.release();
});

it('predicts by the statistics with which it was exported', async () => {
  const config = tutorial({});
  const { generator, predictor, tensors } = await randomGenerator(device, config);
  const condition = noise(3 * 256, 5);
  const by = { own: predictor, running: new Predictor(device, generator, { statistics: 'running' }) };
  for (const statistics of ['own', 'running'] as const) {
    const file = joined(await exportOnnx({ config, step: 12, run: {} }, tensors, 'made up', statistics));
    const session = await InferenceSession.create(file, { executionProviders: ['wasm'] });
    const { picture } = await session.run({ condition: new OrtTensor('float32', condition, [1, 3, 16, 16]) });
    for (const other of ['own', 'running'] as const) {
      const off = deviation(picture?.data as Float32Array, await by[other].predict(condition, 1, 16, 16));
      if (other === statistics) expect(off).toBeLessThan(1e-4);
      else expect(off).toBeGreaterThan(0.05);
    }
    await session.release();
  }
});

it.each(NETWORKS)('refuses unsupported sizes, and says which are supported: %s', async (_, config) => {
  const { generator, tensors } = await randomGenerator(device, config);
  const { unit } = generator;
  const file = joined(await exportOnnx({ config, step: 1, run: {} }, tensors, 'it'));
  // Runtimes name the node that fails. The one in WebAssembly gives no reason at all.
  expect(Buffer.from(file).includes(`sides are multiples of ${unit}`)).toBe(true);
  const session = await InferenceSession.create(file);
  const { inChannels } = config.generator;
  const outcome = (height: number, width: number) => {
    const condition = new OrtTensor('float32', noise(inChannels * height * width, 1), [1, inChannels, height, width]);
    return session.run({ condition }).then(
      ({ picture }) => picture?.dims.slice(2),
      () => 'refused',
    );
  };
  const side = 2 * unit;
  for (const [height, width] of [
    [side + 1, side],
    [side, side + 1],
    [side + unit / 2, side + unit / 2],
    [unit - 1, unit],
  ] as const) {
    expect(await outcome(height, width), `${width} × ${height}`).toBe('refused');
  }
  expect(await outcome(side, 2 * side)).toEqual([side, 2 * side]);
  await session.release();
});

describe('the file', () => {
  it('says what it is', async () => {
    const config = unet({});
    const { tensors } = await randomGenerator(device, config);
    const model = fields(joined(await exportOnnx({ config, step: 12, run: { secret: 1 } }, tensors, 'made up')));
    const properties = new Map(
      model.get(14)?.map((bytes) => {
        const [key, value] = [1, 2].map((field) => text(fields(bytes as Uint8Array).get(field)?.[0]));
        return [key, value];
      }),
    );
    expect(JSON.parse(properties.get('config') ?? '')).toEqual(config);
    expect(properties.get('step')).toBe('12');
    expect(properties.get('condition')).toMatch(/\(batch, 3, height, width\), values from 0 to 1.*multiples of 32/);
    expect(properties.get('range')).toMatch(/-1 to 1; this file converts/);
    expect(properties.get('statistics')).toBe('running');
    expect([...properties.keys()].sort()).toEqual(['condition', 'config', 'picture', 'range', 'statistics', 'step']);
    expect(text(model.get(2)?.[0])).toBe('pixtape');
  });

  it('accepts an exported file of halves, too', async () => {
    const config = tutorial({});
    const { predictor, tensors } = await randomGenerator(device, config);
    const header = { config, step: 1, run: {} };
    const halves = decodeSafetensors(joined(exportGenerator(header, tensors, { half: true })), 'halves').tensors;
    const session = await InferenceSession.create(joined(await exportOnnx(header, halves, 'halves')));
    const condition = noise(3 * 256, 5);
    const { picture } = await session.run({ condition: new OrtTensor('float32', condition, [1, 3, 16, 16]) });
    const off = deviation(picture?.data as Float32Array, await predictor.predict(condition, 1, 16, 16));
    expect(off).toBeGreaterThan(1e-5);
    expect(off).toBeLessThan(2e-2);
    await session.release();
  });

  it('names a tensor that does not fit', async () => {
    const config = tutorial({});
    const { tensors } = await randomGenerator(device, config);
    tensors.delete('conv_final.bias');
    await expect(exportOnnx({ config, step: 1, run: {} }, tensors, 'torn')).rejects.toThrow(/torn.*conv_final\.bias/);
  });

  it('is refused if it would exceed the format’s limit', async () => {
    const paper = await detachedDevice();
    const config = tutorial({ hidden: 72, depth: 6 });
    const generator = createGenerator(paper, config, new Rng(paper, 0));
    // 2.4 GB of zeros that nothing touches take no memory.
    const values = new Map(generator.stateEntries().map(({ name, tensor }) => [name, new Float32Array(tensor.size)]));
    expect(() => encodeOnnx(GENERATORS[config.netG], generator, values, {})).toThrow(
      /takes 2\.2 GiB, an ONNX file holds 2 at most/,
    );
  });
});

describe('protobuf', () => {
  const bytes = (message: Message) => [...joined(message.encode())];

  // The examples of the encoding's own description.
  it('writes the examples of the format’s description', () => {
    expect(bytes(new Message().int(1, 150))).toEqual([0x08, 0x96, 0x01]);
    expect(bytes(new Message().bytes(2, 'testing'))).toEqual([0x12, 7, ...Buffer.from('testing')]);
    expect(bytes(new Message().message(3, new Message().int(1, 150)))).toEqual([0x1a, 3, 0x08, 0x96, 0x01]);
    expect(bytes(new Message().int(1, -2))).toEqual([0x08, 0xfe, ...new Array(8).fill(0xff), 0x01]);
    expect(bytes(new Message().float(20, 1))).toEqual([0xa5, 0x01, 0, 0, 0x80, 0x3f]);
  });

  it('preserves large values, in order, at any depth', () => {
    const large = Uint8Array.from({ length: 10_000 }, (_, i) => i % 251);
    const inner = new Message().int(1, 7).bytes(2, large).int(3, 9);
    const outer = new Message().message(4, inner).bytes(5, 'end');
    expect(outer.encode()).toContain(large);
    const whole = joined(outer.encode());
    expect(whole.length).toBe(outer.length);
    const read = fields(whole);
    expect(text(read.get(5)?.[0])).toBe('end');
    const back = fields(read.get(4)?.[0] as Uint8Array);
    expect([back.get(1), back.get(3)]).toEqual([[7n], [9n]]);
    expect(Buffer.compare(back.get(2)?.[0] as Uint8Array, large)).toBe(0);
  });
});

const text = (value: Uint8Array | bigint | undefined) => new TextDecoder().decode(value as Uint8Array);

/** A message's fields by their numbers: whole numbers, or bytes. */
function fields(bytes: Uint8Array): Map<number, (Uint8Array | bigint)[]> {
  const found = new Map<number, (Uint8Array | bigint)[]>();
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++] as number;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = Number(varint());
    const wire = key & 7;
    let value: Uint8Array | bigint;
    if (wire === 0) value = varint();
    else {
      const length = wire === 5 ? 4 : Number(varint());
      value = bytes.subarray(at, at + length);
      at += length;
    }
    found.set(key >> 3, [...(found.get(key >> 3) ?? []), value]);
  }
  expect(at).toBe(bytes.length);
  return found;
}
