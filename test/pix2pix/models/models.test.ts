import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import type { Device } from '../../../src/engine/gpu/device.ts';
import { detachedDevice } from '../../../src/engine/gpu/dry_run.ts';
import { Dropout } from '../../../src/engine/nn/layers.ts';
import type { Module } from '../../../src/engine/nn/module.ts';
import type { NormKind } from '../../../src/engine/nn/norm.ts';
import { Rng } from '../../../src/engine/ops/random/rng.ts';
import { slice } from '../../../src/engine/ops/shape/slice.ts';
import { backward } from '../../../src/engine/tape/autograd.ts';
import { record } from '../../../src/engine/tape/record.ts';
import { Tensor } from '../../../src/engine/tape/tensor.ts';
import { leastSide, patchSide } from '../../../src/pix2pix/models/discriminators.ts';
import { PAPER_GENERATOR } from '../../../src/pix2pix/models/generators/config.ts';
import type { UnetGenerator } from '../../../src/pix2pix/models/generators/unet.ts';
import {
  createDiscriminator,
  createGenerator,
  generatorName,
  type NetworksConfig,
  parseGeneratorName,
} from '../../../src/pix2pix/models/networks.ts';
import { decodeHeader, encodeHeader } from '../../../src/pix2pix/train/checkpoint/state.ts';
import { PRESETS } from '../../../src/pix2pix/train/config/config.ts';
import { fromNetwork } from '../../../src/pix2pix/train/config/value_range.ts';
import { ssim } from '../../../src/pix2pix/train/evaluate/metrics.ts';
import { Pix2Pix } from '../../../src/pix2pix/train/steps/pix2pix.ts';
import { Predictor } from '../../../src/pix2pix/train/steps/predictor.ts';
import { closeTestDevice, openTestDevice } from '../../device.ts';
import { amount } from '../../sets.ts';

/** The paper's networks: their layers, and how a training step uses them differently from the tutorial's. */
let paper: Device;
let device: Device;
beforeAll(async () => {
  paper = await detachedDevice();
  device = await openTestDevice();
});
afterAll(() => closeTestDevice(device));

const config = (more: Partial<NetworksConfig> = {}, depth = 8, hidden = 64): NetworksConfig => ({
  ...PRESETS.paper,
  generator: { ...PAPER_GENERATOR, depth, hidden },
  ...more,
});
const generator = (of: NetworksConfig) => createGenerator(paper, of, new Rng(paper, 0));
const shapes = (network: Module) =>
  Object.fromEntries(network.stateEntries().map((e) => [e.name, [...e.tensor.shape]]));

type Shapes = Record<string, number[]>;

/** Names and shapes of a batch norm's tensors. */
const batchNorm = (name: string, c: number): Shapes => ({
  [`${name}.weight`]: [c],
  [`${name}.bias`]: [c],
  [`${name}.running_mean`]: [c],
  [`${name}.running_var`]: [c],
  [`${name}.num_batches_tracked`]: [1],
});

/** A norm of each kind, and the bias of the convolution before it. */
const norms: Record<NormKind, { norm: typeof batchNorm; bias: (name: string, c: number) => Shapes }> = {
  batch: { norm: batchNorm, bias: () => ({}) },
  instance: { norm: () => ({}), bias: (name, c) => ({ [`${name}.bias`]: [c] }) },
  none: { norm: () => ({}), bias: () => ({}) },
};

/**
 * The U-Net's state dict, from the list of layers in the paper (C64-C128-C256-C512-…, and back), numbered as one
 * Sequential of [leaky ReLU, convolution, norm, level below, ReLU, transposed convolution, norm] per level.
 */
function unetShapes(widths: number[], kind: NormKind, from = 3, to = 3): Shapes {
  const { norm, bias } = norms[kind];
  const level = (name: string, i: number): Shapes => {
    const [outside, inside] = [widths[i - 1] as number, widths[i] as number];
    const innermost = i === widths.length - 1;
    const up = `${name}.model.${innermost ? 3 : 5}`;
    return {
      [`${name}.model.1.weight`]: [inside, outside, 4, 4],
      ...bias(`${name}.model.1`, inside),
      ...(innermost ? {} : { ...norm(`${name}.model.2`, inside), ...level(`${name}.model.3`, i + 1) }),
      [`${up}.weight`]: [innermost ? inside : 2 * inside, outside, 4, 4],
      ...bias(up, outside),
      ...norm(`${name}.model.${innermost ? 4 : 6}`, outside),
    };
  };
  const first = widths[0] as number;
  return {
    'model.model.0.weight': [first, from, 4, 4],
    ...bias('model.model.0', first),
    ...level('model.model.1', 1),
    'model.model.3.weight': [2 * first, to, 4, 4],
    'model.model.3.bias': [to],
  };
}

describe('state dicts', () => {
  const wide = [64, 128, 256, 512, 512, 512, 512, 512];
  it.each(['batch', 'instance', 'none'] as const)('unet_256, norm %s', (norm) => {
    const ours = shapes(generator(config({ norm })));
    expect(ours).toEqual(unetShapes(wide, norm));
    // In PyTorch's order, too, which Adam's state in a checkpoint follows.
    expect(Object.keys(ours)).toEqual(Object.keys(unetShapes(wide, norm)));
  });

  it('other depths, widths and channels', () => {
    expect(shapes(generator(config({}, 7)))).toEqual(unetShapes(wide.slice(0, 7), 'batch'));
    const grey = { ...PAPER_GENERATOR, depth: 5, hidden: 3, inChannels: 1, outChannels: 2 };
    expect(shapes(generator(config({ generator: grey })))).toEqual(unetShapes([3, 6, 12, 24, 24], 'batch', 1, 2));
  });

  it.each(['batch', 'instance', 'none'] as const)('basic and pixel, norm %s', (kind) => {
    const { norm, bias } = norms[kind];
    const between = (at: number, from: number, to: number): Shapes => ({
      [`model.${at}.weight`]: [to, from, 4, 4],
      ...bias(`model.${at}`, to),
      ...norm(`model.${at + 1}`, to),
    });
    expect(shapes(createDiscriminator(paper, config({ netD: 'basic', norm: kind })))).toEqual({
      'model.0.weight': [64, 6, 4, 4],
      'model.0.bias': [64],
      ...between(2, 64, 128),
      ...between(5, 128, 256),
      ...between(8, 256, 512),
      'model.11.weight': [1, 512, 4, 4],
      'model.11.bias': [1],
    });
    expect(shapes(createDiscriminator(paper, config({ netD: 'pixel', norm: kind })))).toEqual({
      'net.0.weight': [64, 6, 1, 1],
      'net.0.bias': [64],
      'net.2.weight': [128, 64, 1, 1],
      ...bias('net.2', 128),
      ...norm('net.3', 128),
      'net.5.weight': [1, 128, 1, 1],
      ...bias('net.5', 1),
    });
  });

  it('as many parameters as the widely used implementation has', () => {
    expect(generator(config()).parameterCount).toBe(54_413_955);
    expect(createDiscriminator(paper, config()).parameterCount).toBe(2_768_705);
  });
});

it('has dropout in the blocks of full width, except the innermost', () => {
  const places = (depth: number) => {
    return generator(config({}, depth))
      .modules()
      .flatMap(([name, module]) => (module instanceof Dropout ? [name] : []));
  };
  const level = (i: number) => `model.model.1${'.model.3'.repeat(i - 1)}.model.7`;
  expect(places(8).sort()).toEqual([level(4), level(5), level(6)].sort());
  expect(places(6)).toEqual([level(4)]);
  expect(places(5)).toEqual([]);
});

it('an encoder–decoder is the U-Net without skip connections', () => {
  const halved = (all: Shapes) =>
    Object.entries(all).map(([name, shape]) => {
      const up = /model\.(3|5)\.weight$/.test(name) && shape.length === 4;
      const innermost = name.endsWith('model.3.weight') && name !== 'model.model.3.weight';
      return [name, up && !innermost ? [(shape[0] as number) / 2, ...shape.slice(1)] : shape];
    });
  const severed = shapes(generator(config({ netG: 'encoder_decoder' }, 6, 4)));
  expect(severed).toEqual(Object.fromEntries(halved(unetShapes([4, 8, 16, 32, 32, 32], 'batch'))));
});

it('nothing bypasses an encoder–decoder’s bottleneck', async () => {
  // If its ReLUs pass nothing at the bottom, the prediction does not depend on the picture.
  const paint = async (netG: NetworksConfig['netG']) => {
    const network = createGenerator(device, config({ netG, norm: 'none' }, 5, 2), new Rng(device, 0)) as UnetGenerator;
    for (const { tensor } of network.stateEntries()) {
      tensor.write(Float32Array.from({ length: tensor.size }, (_, i) => Math.sin(i + 1) / 4));
    }
    let block = network.model;
    while (block.below) block = block.below;
    block.downConv.weight.write(new Float32Array(block.downConv.weight.size));
    const wave = (n: number) => Float32Array.from({ length: 3 * 32 * 32 }, (_, i) => Math.cos(n * i));
    const pictures = [wave(1), wave(2)] as const;
    const predictor = new Predictor(device, network);
    const [one, other] = [await predictor.raw(pictures[0], 1, 32, 32), await predictor.raw(pictures[1], 1, 32, 32)];
    return one.every((value, i) => value === other[i]);
  };
  expect(await paint('encoder_decoder')).toBe(true);
  expect(await paint('unet')).toBe(false);
});

it('a resize U-Net widens twice, and takes the condition in again at full size', () => {
  const conv = (name: string, input: number, output: number, kernel: number, bias = false): Shapes => ({
    [`${name}.weight`]: [output, input, kernel, kernel],
    ...(bias ? { [`${name}.bias`]: [output] } : {}),
  });
  const normed = (name: string, input: number, output: number, kernel: number) => ({
    ...conv(`${name}.conv`, input, output, kernel),
    ...batchNorm(`${name}.norm`, output),
  });
  const small = { ...PAPER_GENERATOR, depth: 5, hidden: 2, inChannels: 1, outChannels: 3 };
  expect(shapes(generator(config({ netG: 'resize_unet', generator: small })))).toEqual({
    ...conv('down.0.conv', 1, 2, 4, true),
    ...normed('down.1', 2, 4, 4),
    ...normed('down.2', 4, 8, 4),
    ...normed('down.3', 8, 8, 4),
    ...conv('down.4.conv', 8, 8, 4, true),
    ...conv('up.4.conv', 8, 8, 3, true),
    ...normed('up.3', 16, 8, 3),
    ...normed('up.2', 16, 4, 3),
    ...normed('up.1', 8, 2, 3),
    ...normed('up.0', 4, 2, 3),
    ...normed('full', 3, 2, 3),
    ...conv('last', 2, 3, 3, true),
  });
});

it.each([3, 1, 2, 4].slice(0, amount(1, 4)))(
  'a PatchGAN of %i layers has the receptive field that it states',
  async (layers) => {
    const reach = patchSide(layers);
    const side = Math.max(leastSide(layers), reach + 2 ** layers * 6);
    const size = Math.ceil(side / 2 ** layers) * 2 ** layers;
    const network = { netD: 'n_layers', discHidden: 1, discLayers: layers, norm: 'none' } as const;
    const disc = createDiscriminator(device, config(network));
    for (const { tensor } of disc.stateEntries()) {
      tensor.write(new Float32Array(tensor.size).fill(tensor.shape.length === 1 ? 0 : 0.25));
    }
    const picture = Tensor.zeros(device, [1, 3, size, size]);
    picture.requiresGrad = true;
    const recorded = await record(device, () => {
      const logits = disc.forward(picture, picture.detach());
      const [, , height = 0, width = 0] = logits.shape;
      const middle = (n: number) => ({ start: n >> 1, end: (n >> 1) + 1 });
      backward(slice(logits, [{}, {}, middle(height), middle(width)]));
      return picture.grad as Tensor;
    });
    picture.write(new Float32Array(picture.size).fill(1));
    recorded.run();
    const gradient = (await recorded.outputs.read()).subarray(0, size * size);
    const rows = Array.from({ length: size }, (_, y) =>
      gradient.subarray(y * size, (y + 1) * size).some((v) => v !== 0),
    );
    const columns = Array.from({ length: size }, (_, x) => rows.some((_, y) => gradient[y * size + x] !== 0));
    expect([rows, columns].map((seen) => seen.filter(Boolean).length)).toEqual([reach, reach]);
  },
);

it('an unconditional discriminator has no channels for the condition, and judges', async () => {
  const model = new Pix2Pix(device, { ...small, discConditional: false });
  await model.prepare();
  expect(model.disc?.stateDict().get('model.0.weight')?.shape).toEqual([2, 3, 4, 4]);
  const picture = Float32Array.from({ length: 3 * 32 * 32 }, (_, i) => (i % 5) / 4);
  model.train({ real: picture, condition: picture }, 0);
  const [losses] = await model.lossesSince(0);
  expect(Math.min(losses?.disc ?? 0, losses?.adv ?? 0)).toBeGreaterThan(0);
});

it('judges patches of 70 × 70 pixels, and single ones', async () => {
  const size = async (netD: NetworksConfig['netD'], side: number, discLayers = 3) => {
    const disc = createDiscriminator(device, config({ netD, discHidden: 2, discLayers }));
    const picture = Tensor.zeros(device, [1, 3, side, side]);
    return (await record(device, () => disc.forward(picture, picture))).outputs.shape;
  };
  expect(await size('basic', 256)).toEqual([1, 1, 30, 30]);
  expect(await size('basic', 24)).toEqual([1, 1, 1, 1]);
  expect(await size('pixel', 7)).toEqual([1, 1, 7, 7]);
  expect(await size('n_layers', 96, 5)).toEqual([1, 1, 1, 1]);
  expect(await size('n_layers', 256, 1)).toEqual([1, 1, 126, 126]);
});

describe('invalid combinations', () => {
  it('another norm in the tutorial’s networks', () => {
    const tutorial = { ...PRESETS.tutorial, norm: 'instance' } as const;
    expect(() => generator(tutorial)).toThrow(/--norm instance: the tutorial's generator .*\n.*--netG unet_256/);
    expect(() => createDiscriminator(paper, tutorial)).toThrow(/the tutorial's PatchGAN .*\n.*--netD basic/);
  });

  it('sides that are not multiples, too few levels', async () => {
    const unet = generator(config({}, 6, 2));
    const picture = Tensor.zeros(paper, [1, 3, 64, 96]);
    await expect(record(paper, () => unet.forward(picture))).rejects.toThrow(
      /96 × 64 does not fit unet_64: both sides must be multiples of 64\n.*64, 128/,
    );
    expect(() => generator(config({}, 4))).toThrow(/4 levels/);
  });
});

it('names generators', () => {
  expect(parseGeneratorName('tutorial')).toEqual({ netG: 'tutorial' });
  expect(parseGeneratorName('unet_256')).toEqual({ netG: 'unet', depth: 8 });
  expect(parseGeneratorName('encoder_decoder_64')).toEqual({ netG: 'encoder_decoder', depth: 6 });
  expect(parseGeneratorName('resize_unet_32')).toEqual({ netG: 'resize_unet', depth: 5 });
  for (const wrong of [
    'unet',
    'unet_16',
    'unet_100',
    'resize_unet_2',
    'resize_unet_48',
    'resnet_blocks',
    'resnet_0blocks',
    undefined,
  ]) {
    expect(parseGeneratorName(wrong), String(wrong)).toBeUndefined();
  }
  expect(parseGeneratorName('resnet_9blocks')).toEqual({ netG: 'resnet', depth: 9 });
  expect(generatorName(PRESETS.paper)).toBe('unet_256');
});

const tiny = { ...PRESETS.paper, generator: { ...PAPER_GENERATOR, hidden: 2, depth: 5 }, discHidden: 2 };
const small = { ...tiny, width: 32, height: 32 };

it('starts from N(0, 0.02), batch norm from N(1, 0.02), every bias from 0', async () => {
  const model = new Pix2Pix(device, { ...small, netD: 'pixel', generator: { ...small.generator, hidden: 8 } });
  for (const [name, tensor] of Object.entries(entries(model.generator))) {
    const values = await tensor.read();
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const spread = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length);
    if (name.endsWith('.bias'))
      expect(
        values.every((v) => v === 0),
        name,
      ).toBe(true);
    else if (tensor.shape.length === 1) expect(Math.abs(mean - 1), name).toBeLessThan(0.04);
    else {
      expect(Math.abs(mean), name).toBeLessThan(0.005);
      expect(Math.abs(spread - 0.02), name).toBeLessThan(0.004);
    }
  }
});

function entries(network: Module): Record<string, Tensor> {
  const learnt = network.stateEntries().filter((e) => e.kind === 'parameter');
  return Object.fromEntries(learnt.map((e) => [e.name, e.tensor]));
}

it('takes pictures in [0, 1] and gives the networks [−1, 1], in which L1 is computed', async () => {
  const model = new Pix2Pix(device, small);
  await model.prepare();
  const picture = Float32Array.from({ length: 3 * 32 * 32 }, (_, i) => (i % 5) / 4);
  model.train({ real: picture, condition: picture.map((v) => 1 - v) }, 0);
  expect([...(await model.real.read()).slice(0, 5)]).toEqual([-1, -0.5, 0, 0.5, 1]);
  expect([...(await model.condition.read()).slice(0, 5)]).toEqual([1, 0.5, 0, -0.5, -1]);

  const answer = await model.predictor.raw(
    picture.map((v) => 2 * v - 1),
    1,
    32,
    32,
  );
  const painted = await model.predict(picture, 1, 32, 32);
  expect(painted).toEqual(answer.map((v) => (v + 1) / 2));
  expect(painted.every((v) => v > 0 && v < 1)).toBe(true);
  expect(answer.some((v) => v < 0)).toBe(true);
});

test('L1 alone: no discriminator, and the generator has no other loss', async () => {
  const model = new Pix2Pix(device, { ...small, ganMode: 'none', lr: 2e-3 });
  await model.prepare();
  expect([model.disc, model.optimD]).toEqual([undefined, undefined]);
  const picture = Float32Array.from({ length: 3 * 32 * 32 }, (_, i) => (i % 3) / 2);
  for (let i = 0; i < 20; i++) model.train({ real: picture, condition: picture }, 0);
  const losses = await model.lossesSince(0);
  for (const { gen, l1, adv, disc } of losses) {
    expect(gen).toBeCloseTo(small.lambdaL1 * l1, 4);
    expect([adv, disc]).toEqual([0, 0]);
  }
  expect(losses.at(-1)?.l1).toBeLessThan(0.95 * (losses[0]?.l1 ?? 0));
});

test('a structural term: part of the loss, in the range of the generator’s pictures, and can be the only one', async () => {
  for (const netG of ['unet', 'tutorial'] as const) {
    const generator = { ...small.generator, depth: netG === 'unet' ? 5 : 3 };
    const model = new Pix2Pix(device, {
      ...small,
      netG,
      generator,
      ganMode: 'none',
      lambdaL1: 0,
      lambdaSsim: 50,
      lr: 1e-2,
    });
    await model.prepare();
    const picture = Float32Array.from({ length: 3 * 32 * 32 }, (_, i) => ((i * i) % 7) / 6);
    for (let i = 0; i < 30; i++) model.train({ real: picture, condition: picture }, 0);
    const losses = await model.lossesSince(0);
    for (const { gen, ssim } of losses) expect(gen).toBeCloseTo(50 * ssim, 4);
    const measured = ssim(await fakeOf(model), picture, { width: 32, height: 32 });
    expect(1 - (losses.at(-1)?.ssim ?? 0), netG).toBeCloseTo(measured, 4);
    expect(losses.at(-1)?.ssim, netG).toBeLessThan(0.9 * (losses[0]?.ssim ?? 0));
  }
});

/** The last step's prediction, in [0, 1]. */
async function fakeOf(model: Pix2Pix): Promise<Float32Array> {
  const { outputs } = await model.prepare();
  return fromNetwork(await outputs.fake.read(), model.generator.range);
}

test('a checkpoint from before networks could be chosen has the tutorial’s; a later one without the choice is refused', () => {
  const header = encodeHeader({ config: PRESETS.quick, step: 3, run: {} });
  const { netG: _g, netD: _d, norm: _n, ganMode: _m, discLayers: _l, discConditional: _c, ...before } = PRESETS.quick;
  expect(decodeHeader({ ...header, config: JSON.stringify(before) }, 'old').config).toEqual(PRESETS.quick);
  const named = Object.entries(PRESETS.quick).map(([key, value]) => [key === 'lambdaL1' ? 'lambda' : key, value]);
  const { config } = decodeHeader({ ...header, config: JSON.stringify(Object.fromEntries(named)) }, 'old');
  expect(JSON.stringify(config), 'with the old name of lambdaL1').toBe(JSON.stringify(PRESETS.quick));
  const later = JSON.stringify({ ...PRESETS.quick, netG: 'later' });
  expect(() => decodeHeader({ ...header, config: later }, 'new')).toThrow(/new: .*config\.netG is "later"/);
});
