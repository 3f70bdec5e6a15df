import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { detachedDevice } from '../../../../src/engine/gpu/dry_run.ts';
import { NORMS } from '../../../../src/engine/nn/norm.ts';
import { Rng } from '../../../../src/engine/ops/random/rng.ts';
import { PixtapeError } from '../../../../src/engine/util/errors.ts';
import { fromBFloat16 } from '../../../../src/engine/util/half.ts';
import { decodeSafetensors, type NamedTensor } from '../../../../src/engine/util/safetensors.ts';
import { openWeights } from '../../../../src/files/weights/open_weights.ts';
import { createGenerator } from '../../../../src/pix2pix/models/networks.ts';
import { importGenerator } from '../../../../src/pix2pix/train/checkpoint/import.ts';
import { PRESETS } from '../../../../src/pix2pix/train/config/config.ts';

const fixture = (name: string) => resolve(import.meta.dirname, '..', '..', '..', 'fixtures', 'pth', name);

async function imported(name: string, options: { network?: string } = {}) {
  const file = await openWeights(fixture(name));
  try {
    return read(await importGenerator(file, { dropout: 0, ...options }));
  } finally {
    await file.close();
  }
}

type Imported = Awaited<ReturnType<typeof importGenerator>>;
const read = ({ config, pieces }: Imported) => ({ config, ...decodeSafetensors(Buffer.concat(pieces), 'imported') });

/** A file with these tensors, whatever its path. */
function fileOf(tensors: ReadonlyMap<string, NamedTensor>) {
  return { path: 'made.pth', entries: tensors, read: async (name: string) => tensors.get(name) as NamedTensor };
}
const importMade = async (tensors: ReadonlyMap<string, NamedTensor>, options: { network?: string } = {}) =>
  read(await importGenerator(fileOf(tensors), { dropout: 0, ...options }));

/** A network's state, all zeros. */
const zerosOf = (network: ReturnType<typeof createGenerator>): Map<string, NamedTensor> =>
  new Map(
    network.stateEntries().map(({ name, kind, tensor }): [string, NamedTensor] => {
      if (kind === 'counter') return [name, { dtype: 'I64', shape: [], data: new BigInt64Array(1) }];
      return [name, { dtype: 'F32', shape: [...tensor.shape], data: new Float32Array(tensor.size) }];
    }),
  );

async function weights(): Promise<Map<string, NamedTensor>> {
  const file = await openWeights(fixture('latest_net_G.safetensors'));
  const tensors = new Map<string, NamedTensor>();
  for (const name of file.entries.keys()) tensors.set(name, await file.read(name));
  await file.close();
  return tensors;
}

const renamed = <T>(tensors: ReadonlyMap<string, T>, rename: (name: string) => string) =>
  new Map([...tensors].map(([name, tensor]) => [rename(name), tensor]));

it('latest_net_G.pth gives the tensors that PyTorch wrote to safetensors', async () => {
  const { config, tensors } = await imported('latest_net_G.pth');
  expect(config).toMatchObject({ netG: 'unet', norm: 'batch', width: 32, generator: { hidden: 1, depth: 5 } });
  expect(tensors).toEqual(await weights());
});

it('a generator in bfloat16, nested in a training’s state and wrapped twice, becomes float32 exactly', async () => {
  const { config, tensors } = await imported('training.pth');
  expect(config).toMatchObject({ netG: 'unet', generator: { hidden: 1, depth: 5 } });
  const file = await openWeights(fixture('training.pth'));
  const name = 'model.model.1.model.3.model.1.weight';
  const half = await file.read(`model.state_dict.netG.module._orig_mod.${name}`);
  await file.close();
  expect(half.dtype).toBe('BF16');
  expect(tensors.get(name)?.dtype).toBe('F32');
  expect(tensors.get(name)?.data).toEqual(fromBFloat16(half.data as Uint16Array));
});

it.for(['netG.', 'model.', 'state_dict.', 'module.', '_orig_mod.', 'ema.module.net.', 'model._orig_mod.module.'])(
  'takes %s away',
  async (prefix) => {
    const all = await weights();
    const named = renamed(all, (name) => prefix + name);
    const beside = ['module.', '_orig_mod.'].includes(prefix) ? [] : ['optimizer.0'];
    for (const name of beside) named.set(name, { dtype: 'F32', shape: [1], data: new Float32Array(1) });
    expect((await importMade(named)).tensors).toEqual(all);
  },
);

it('wrappers within names are removed, too', async () => {
  const all = await weights();
  const inner = renamed(all, (name) => name.replace('model.model.1', 'model.module.model.1'));
  expect((await importMade(inner)).tensors).toEqual(all);
});

it('float64 is rounded to float32, halves stay halves', async () => {
  const all = await weights();
  const first = all.get('model.model.0.weight') as NamedTensor & { dtype: 'F32' };
  const wide = new Map(all).set('model.model.0.weight', {
    dtype: 'F64',
    shape: first.shape,
    data: Float64Array.from(first.data, (value) => value + 1e-12),
  });
  expect((await importMade(wide)).tensors).toEqual(all);
  const halves = new Uint16Array(first.data.length).fill(0x3c00);
  const narrow = new Map(all).set('model.model.0.weight', { dtype: 'F16', shape: first.shape, data: halves });
  expect((await importMade(narrow)).tensors.get('model.model.0.weight')).toMatchObject({ dtype: 'F16', data: halves });
});

it('a ResNet gets the dropout that its names indicate, whatever is requested', async () => {
  const { config, tensors } = await imported('resnet.pth');
  expect(config).toMatchObject({ netG: 'resnet', generator: { hidden: 1, depth: 2, dropout: 0.5 } });
  const file = await openWeights(fixture('resnet.pth'));
  expect([...tensors.keys()].sort()).toEqual([...file.entries.keys()].sort());
  await file.close();
});

it('a ResNet of another structure is named', async () => {
  const file = await openWeights(fixture('resnet.pth'));
  const later = new Map<string, NamedTensor>();
  for (const name of file.entries.keys()) {
    later.set(name.replace(/model\.1([01])\.conv/, 'model.1$13.conv'), await file.read(name));
  }
  await file.close();
  await expect(importMade(later)).rejects.toThrow(
    /a ResNet generator that is not CycleGAN's \(2 blocks from model\.103 on/,
  );
});

it('of several generators the requested one is imported', async () => {
  const all = await weights();
  const both = new Map([...renamed(all, (name) => `netG_A.${name}`), ...renamed(all, (name) => `netG_B.${name}`)]);
  await expect(importMade(both)).rejects.toThrow(/made\.pth holds 2 generators: netG_A, netG_B\n.*--network netG_A/);
  expect((await importMade(both, { network: 'netG_B' })).tensors).toEqual(all);
  await expect(importMade(both, { network: 'netG' })).rejects.toThrow(/no generator named netG\n.*netG_A, netG_B/);
});

it.for([
  ['latest_net_D.pth', /holds a discriminator, .*\n.*latest_net_G\.pth/],
  ['values.pth', /these are not the weights of a generator that is known here \(f64, f32, f16, …\)/],
] as const)('%s is named', async ([name, message]) => {
  await expect(imported(name)).rejects.toThrow(message);
});

it('tensors that form no network are refused with the file’s name', async () => {
  const all = await weights();
  const levels = new Map([...all].filter(([name]) => !name.startsWith('model.model.1.model.1')));
  await expect(importMade(levels)).rejects.toThrow(/made\.pth: a U-Net of 1 levels/);
});

const KINDS = ['tutorial', 'unet', 'encoder_decoder', 'resnet', 'resize_unet'] as const;
it.for(KINDS)('%s without one of its tensors', async (netG) => {
  const dry = await detachedDevice();
  const { generator: usual, norm } = netG === 'tutorial' ? PRESETS.tutorial : PRESETS.paper;
  const generator = { ...usual, hidden: 2, depth: netG === 'tutorial' ? 2 : 5 };
  const whole = zerosOf(createGenerator(dry, { netG, norm, generator }, new Rng(dry, 0)));
  expect((await importMade(whole)).config.netG).toBe(netG);
  for (const name of whole.keys()) {
    const part = new Map(whole);
    part.delete(name);
    // Counts of batches are not needed: files from before PyTorch 0.4 lack them.
    if (/num_batches_tracked$/.test(name)) await importMade(part);
    else await expect(importMade(part), name).rejects.toBeInstanceOf(PixtapeError);
  }
});

it('a generator of four bands keeps its channels', async () => {
  const all = await weights();
  const four = new Map(all).set('model.model.0.weight', {
    dtype: 'F32',
    shape: [1, 4, 4, 4],
    data: new Float32Array(64),
  });
  expect((await importMade(four)).config.generator).toMatchObject({ inChannels: 4, outChannels: 3 });
});

it('a resize U-Net of any norm and size', async () => {
  const dry = await detachedDevice();
  for (const norm of NORMS) {
    const generator = { ...PRESETS.paper.generator, inChannels: 1, outChannels: 2, hidden: 3, depth: 3, dropout: 0 };
    const network = createGenerator(dry, { netG: 'resize_unet', norm, generator }, new Rng(dry, 0));
    const { config } = await importMade(zerosOf(network));
    expect(config).toMatchObject({ netG: 'resize_unet', norm, width: 16, generator });
  }
});

it('distinguishes an encoder–decoder from a U-Net, whose names are the same', async () => {
  const dry = await detachedDevice();
  for (const netG of ['encoder_decoder', 'unet'] as const) {
    const generator = { ...PRESETS.paper.generator, hidden: 2, depth: 6 };
    const network = createGenerator(dry, { netG, norm: 'batch', generator }, new Rng(dry, 0));
    const { config } = await importMade(zerosOf(network));
    expect(config).toMatchObject({
      netG,
      width: 64,
      generator: { hidden: 2, depth: 6, inChannels: 3, outChannels: 3 },
    });
  }
});
