import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { continuedConfig, continuedRecord, freshConfig, freshRecord } from '../../../src/cli/train/config.ts';
import type { TrainFlags } from '../../../src/cli/train/flags.ts';
import { encodeSafetensors, type NamedTensor } from '../../../src/engine/util/safetensors.ts';
import { readSafetensors } from '../../../src/files/files.ts';
import { PAPER_GENERATOR, TUTORIAL_GENERATOR } from '../../../src/pix2pix/models/generators/config.ts';
import { PRESETS } from '../../../src/pix2pix/train/config/config.ts';
import { temporaryFolders } from '../../pix2pix/train/tiny.ts';
import { build, linesOf, pixtape, writePairs, writePng } from '../command.ts';

/** The paper's networks through the commands. */
const folder = temporaryFolders();
let home: string;
beforeAll(() => {
  build();
  home = folder();
  writePairs(join(home, 'pairs'), 6);
  writePng(join(home, 'drawing.png'), 70, 40);
});

const UNET = '--netG unet_64 --netD basic --crop_size 64 --ngf 2 --ndf 2 --print_freq 1'.split(' ');
const train = (name: string, ...more: string[]) => ['train', '--dataroot', 'pairs', '--name', name, ...UNET, ...more];
const latest = (name: string) => join(home, 'runs', name, 'latest.safetensors');

async function tensors(path: string): Promise<Map<string, NamedTensor>> {
  const file = await readSafetensors(path);
  const found = new Map<string, NamedTensor>();
  for (const name of file.entries.keys()) found.set(name, await file.read(name));
  await file.close();
  return found;
}

const pixels = (path: string) => PNG.sync.read(readFileSync(path));

it('continues to the bits of a run that was not interrupted', { tags: 'long', timeout: 240_000 }, async () => {
  expect((await pixtape(train('halved', '--preset', 'paper', '--steps', '2'), home)).code).toBe(0);
  const going = await pixtape(['train', '--continue_train', '--name', 'halved', '--steps', '4'], home);
  expect(going.stdout).toContain('going on after step 2');
  expect(going.stdout).toMatch(/done after step 4: held-out L1 0\.\d+/);
  expect((await pixtape(train('straight', '--preset', 'paper', '--steps', '4'), home)).code).toBe(0);
  expect(await tensors(latest('halved'))).toEqual(await tensors(latest('straight')));
  expect(linesOf(join(home, 'runs', 'halved', 'log.jsonl'))).toHaveLength(4);
});

it('trains, translates; and its imported weights translate the same', { timeout: 240_000 }, async () => {
  const first = await pixtape(train('unet', '--preset', 'paper', '--steps', '1'), home);
  expect(first.stderr).not.toContain('pixtape:');
  expect(first.stdout).toMatch(/model {4}generator unet_64 of 2 channels, \d+ k parameters; 70 × 70 PatchGAN 3195\b/);
  expect(first.stdout).toMatch(/try it +npx pixtape translate \S+ IN OUT$/m);

  const painted = await pixtape(['translate', 'unet', 'drawing.png', 'painted.png'], home);
  expect(painted.stdout).toContain('unet_64 of 2 channels, step 1');
  expect(painted.stdout).toContain('1 picture was filled up to multiples of 64 pixels');
  expect(pixels(join(home, 'painted.png'))).toMatchObject({ width: 70, height: 40 });

  const own = [...(await tensors(latest('unet')))].filter(([name]) => name.startsWith('gen.'));
  // As PyTorch's files before it counted batches, of a network that was trained on several GPUs.
  const old = own.filter(([name]) => !name.endsWith('num_batches_tracked'));
  const weights = new Map(old.map(([name, tensor]) => [`module.${name.slice('gen.'.length)}`, tensor]));
  writeFileSync(join(home, 'weights.safetensors'), Buffer.concat(encodeSafetensors(weights, { format: 'pt' })));
  // As Lightning saves a model of two networks.
  const both = new Map([...weights].map(([name, tensor]) => [name.replace('module.', 'gen.'), tensor]));
  const patch: NamedTensor = { dtype: 'F32', shape: [1], data: new Float32Array(1) };
  writeFileSync(
    join(home, 'both.safetensors'),
    Buffer.concat(encodeSafetensors(both.set('patch_gan.final.bias', patch))),
  );
  await pixtape(['import', 'both.safetensors', 'from-both.safetensors'], home);
  const imported = await pixtape(['import', 'weights.safetensors', 'imported.safetensors'], home);
  expect(imported.stderr).toBe('');
  expect(imported.stdout).toMatch(/^generator unet_64 of 2 channels: .* → imported\.safetensors/);
  expect(await tensors(join(home, 'from-both.safetensors'))).toEqual(await tensors(join(home, 'imported.safetensors')));
  await pixtape(['translate', 'imported.safetensors', 'drawing.png', 'again.png'], home);
  expect(pixels(join(home, 'again.png')).data.equals(pixels(join(home, 'painted.png')).data)).toBe(true);
});

it('trains with L1 alone, and with instance norm and least squares', { tags: 'long', timeout: 240_000 }, async () => {
  const alone = await pixtape(train('alone', '--gan_mode', 'none', '--steps', '1'), home);
  expect(alone.stdout).toContain('no discriminator');
  expect([...(await tensors(latest('alone'))).keys()].filter((name) => name.includes('disc.'))).toEqual([]);
  expect(JSON.parse(linesOf(join(home, 'runs', 'alone', 'log.jsonl'))[0] ?? '')).not.toHaveProperty('lossAdv');
  expect(readFileSync(join(home, 'runs', 'alone', 'report.html'), 'utf8')).not.toContain('PatchGAN loss');
  const going = await pixtape(['train', '--continue_train', '--name', 'alone', '--steps', '2'], home);
  expect(going.stdout).toContain('done after step 2');

  const structured = await pixtape(train('structured', '--lambda_ssim', '10', '--steps', '1'), home);
  expect(structured.stdout).toContain('done after step 1');
  const line = JSON.parse(linesOf(join(home, 'runs', 'structured', 'log.jsonl'))[0] ?? '');
  expect(line.lossG).toBeCloseTo(line.lossAdv + 200 * line.lossL1 + 10 * line.lossSsim, 3);
  expect(readFileSync(join(home, 'runs', 'structured', 'report.html'), 'utf8')).toContain('1 − SSIM');
  const noL1 = await pixtape(['eval', 'structured', '--l1', 'structured'], home);
  expect(noL1.stderr).toMatch(/--l1 .* was trained with a discriminator and a structural term\n.*--lambda_ssim 0/);

  const flags = [
    '--netD',
    'pixel',
    '--no-condition_GAN',
    '--lambda_L1',
    '0',
    '--norm',
    'instance',
    '--gan_mode',
    'lsgan',
    '--steps',
    '1',
  ];
  const other = await pixtape(train('other', ...flags), home);
  expect(other.stdout).toMatch(
    /unet_64 of 2 channels, norm instance, .*; unconditional 1 × 1 discriminator .*, least squares/,
  );
  expect([...(await tensors(latest('other'))).keys()].filter((name) => name.includes('running'))).toEqual([]);
});

it('refuses weights of something else', { tags: 'long', timeout: 60_000 }, async () => {
  const one: NamedTensor = { dtype: 'F32', shape: [1], data: new Float32Array(1) };
  writeFileSync(join(home, 'foreign.safetensors'), Buffer.concat(encodeSafetensors(new Map([['layer1.weight', one]]))));
  const { code, stderr } = await pixtape(['import', 'foreign.safetensors', 'out.safetensors'], home);
  expect(code).toBe(1);
  expect(stderr).toMatch(/foreign\.safetensors: these are not the weights of a generator.*\(layer1\.weight, …\)/);
});

describe('flags', () => {
  const flags = (given: Partial<TrainFlags>) => ({ preset: 'tutorial', ...given }) as TrainFlags;
  const fresh = (given: Partial<TrainFlags>) => freshConfig(flags(given), given);

  it('the preset has the paper’s values', () => {
    expect(fresh({ preset: 'paper' })).toMatchObject(PRESETS.paper);
    expect(PRESETS.paper).toMatchObject({
      lr: 2e-4,
      beta1: 0.5,
      lambdaL1: 100,
      batch: 1,
      epochs: 100,
      epochsDecay: 100,
    });
    expect(PRESETS.paper).toMatchObject({ discHidden: 64, init: 'paper', ganMode: 'vanilla', width: 256, height: 256 });
    const data = (given: Partial<TrainFlags>) => freshRecord(flags(given), PRESETS.paper).data;
    expect(data({ preset: 'paper' })).toMatchObject({ flip: true, jitter: true, resize: 'bilinear' });
    expect(data({ preset: 'paper', flip: false, jitter: false })).toMatchObject({ flip: false, jitter: false });
    expect(data({})).toMatchObject({ flip: false, jitter: false, resize: 'nearest' });
  });

  it('only one source of pictures is allowed', () => {
    const record = (given: Partial<TrainFlags>) => freshRecord(flags({ data: 'folder', ...given }), PRESETS.paper);
    const both = /--data openmoji brings its own pictures, but the folder mine/;
    expect(() => record({ data: 'openmoji', dataroot: 'mine' })).toThrow(both);
    expect(() => record({ dataroot: 'mine', groups: ['flags'] })).toThrow(/--groups is for --data openmoji/);
    const emoji = record({ data: 'openmoji', groups: ['flags'] });
    expect(continuedRecord(emoji, { groups: ['flags'] }, PRESETS.paper)).toEqual(emoji);
    expect(() => continuedRecord(emoji, { dataroot: 'mine' }, PRESETS.paper)).toThrow(both);
  });

  it('a network of another kind has its own widths and weights', () => {
    const unet = fresh({ netG: 'unet_256', netD: 'basic' });
    expect(unet).toMatchObject({ generator: PAPER_GENERATOR, discHidden: 64, init: 'paper', netD: 'basic', batch: 4 });
    const chosen = fresh({ netG: 'unet_64', ngf: 8, dropout: false, init: 'tutorial' });
    expect(chosen.generator).toEqual({ ...PAPER_GENERATOR, depth: 6, hidden: 8, dropout: 0 });
    expect(chosen).toMatchObject({ init: 'tutorial', discHidden: 8, netD: 'tutorial' });
    const back = fresh({ preset: 'paper', netG: 'tutorial', netD: 'tutorial' });
    expect(back).toMatchObject({ generator: TUTORIAL_GENERATOR, discHidden: 8, lambdaL1: 100 });
    expect(fresh({ preset: 'paper', netG: 'unet_128', ngf: 16 }).generator).toMatchObject({ hidden: 16, depth: 7 });
  });

  const size = (side: number) => ({ width: side, height: side });
  it.each<[string, Partial<TrainFlags>, RegExp]>([
    ['sides', { netG: 'unet_128', crop_size: size(192) }, /192 × 192 does not fit unet_128: .*multiples of 128/],
    ['depth', { netG: 'unet_128', depth: 3 }, /--depth 3: unet_128 has 7 levels/],
    ['norm of the generator', { norm: 'instance' }, /--norm instance: the tutorial's generator/],
    ['norm of the PatchGAN', { netG: 'unet_64', norm: 'none' }, /--norm none: the tutorial's PatchGAN/],
    [
      'layers where there is no choice',
      { netD: 'basic', n_layers_D: 2 },
      /--n_layers_D 2: the paper's PatchGAN .*\n.*--netD n_layers/,
    ],
    [
      'patches too large',
      { netG: 'unet_64', netD: 'n_layers', n_layers_D: 5, crop_size: size(64) },
      /at least 96\n.*64 from 128/,
    ],
    ['too small', { depth: 2, netD: 'basic', crop_size: size(20) }, /nothing to judge: .*at least 24\n.*of 4 from 24/],
  ])('refused: %s', (_, given, message) => {
    expect(() => fresh(given)).toThrow(message);
  });

  it('a continued run keeps its networks', () => {
    const run = fresh({ preset: 'paper', netG: 'unet_64', ngf: 8, ndf: 4 });
    expect(continuedConfig(run, {})).toEqual(run);
    expect(continuedConfig(run, { netG: 'unet_64', netD: 'basic', lr: 1e-4 })).toEqual({
      ...run,
      lr: 1e-4,
      lrDisc: 1e-4,
    });
    for (const given of [{ netG: 'unet_128' }, { netG: 'tutorial' }] as const) {
      expect(() => continuedConfig(run, given)).toThrow(/--netG .*: the run .* has unet_64/);
    }
    expect(() => continuedConfig(run, { netD: 'pixel' })).toThrow(/--netD pixel: the run .* has basic/);
    expect(() => continuedConfig(run, { condition_GAN: false })).toThrow(/--condition_GAN false: the run .* has true/);
    const patches = fresh({ preset: 'paper', netD: 'n_layers', n_layers_D: 1 });
    expect(() => continuedConfig(patches, { n_layers_D: 2 })).toThrow(/--n_layers_D 2: the run .* has 1/);
    expect(() => continuedConfig(run, { norm: 'instance' })).toThrow(/--norm instance: the run .* has batch/);
    const alone = fresh({ gan_mode: 'none', lambda_ssim: 5 });
    expect(continuedConfig(alone, { gan_mode: 'none' })).toEqual(alone);
    expect(fresh({ preset: 'quick', gan_mode: 'none' }).lambdaSsim).toBe(0);
    expect(() => continuedConfig(run, { gan_mode: 'none' })).toThrow(/--gan_mode none: the run .* has vanilla/);
  });
});
