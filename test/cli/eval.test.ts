import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Evaluation } from '../../src/pix2pix/train/evaluate/evaluate.ts';
import { temporaryFolders } from '../pix2pix/train/tiny.ts';
import { build, pixtape, TINY, writePairs, writePng } from './command.ts';

const folder = temporaryFolders();
let home: string;

async function run(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await pixtape(args, home);
  expect(stderr).not.toContain('pixtape:');
  expect(code).toBe(0);
  return stdout;
}

beforeAll(async () => {
  build();
  home = folder();
  writePairs(join(home, 'pairs', 'train'), 4);
  mkdirSync(join(home, 'pairs', 'test'));
  for (let i = 0; i < 3; i++) writePng(join(home, 'pairs', 'test', `new${i}.png`), 32, 16, 10 + i);
  const train = ['train', '--dataroot', 'pairs', ...TINY, '--init', 'paper', '--samples', '1', '--steps'];
  await run(...train, '3', '--name', 'tiny');
  await run(...train, '2', '--name', 'alone', '--gan_mode', 'none');
}, 120_000);

const json = (name: string): Evaluation & Record<string, unknown> => JSON.parse(readFileSync(join(home, name), 'utf8'));

describe('eval', { timeout: 120_000 }, () => {
  it('measures a run beside the baselines on its own held-out pictures', async () => {
    const out = await run('eval', 'tiny', '--json', 'tiny.json');
    expect(out).toMatch(/^ +L1 +PSNR +SSIM +saturation +colourfulness +L +a +b$/m);
    expect(out).toMatch(/measured 3 of 3 held-out pictures, 16 × 16/);
    expect(out).toMatch(/^this checkpoint( +\d+\.\d+){8}$/m);
    expect(out).toMatch(/^real pictures( +–){3} +\d\.\d{3} +\d+\.\d( +–){3}$/m);
    expect(out).toMatch(/L1 alone is not measured: train it .*--preset tutorial --steps 3 --gan_mode none/);

    const { pictures, means, colours, ...about } = json('tiny.json');
    expect(about).toMatchObject({ step: 3, width: 16, height: 16, count: 3, of: 3, differences: [], perfect: {} });
    expect(pictures.map(({ name }) => name)).toEqual(['new0', 'new1', 'new2']);
    expect(Object.keys(means).sort()).toEqual(['copy', 'mean', 'ours', 'real']);
    expect(Object.keys(colours).sort()).toEqual(['copy', 'mean', 'ours']);
    for (const share of Object.values(colours).flatMap(Object.values)) {
      expect(share).toBeGreaterThanOrEqual(0);
      expect(share).toBeLessThan(1);
    }
    const sum = pictures.reduce((s, { scores }) => s + (scores.ours?.ssim ?? Number.NaN), 0);
    expect(means.ours?.ssim).toBeCloseTo(sum / 3, 12);

    // Copying, computed from the files: the right half is the condition, the left one the real picture.
    const { data } = PNG.sync.read(readFileSync(join(home, 'pairs', 'test', 'new1.png')));
    let off = 0;
    for (let y = 0; y < 16; y++) {
      for (let i = 0; i < 64; i++) {
        if (i % 4 < 3) off += Math.abs((data[y * 128 + i] as number) - (data[y * 128 + 64 + i] as number)) / 255;
      }
    }
    expect(pictures[1]?.scores.copy?.l1).toBeCloseTo(off / (3 * 256), 6);
  });

  it('compares with L1 alone, names the differences, and draws what translate paints, pixel for pixel', {
    tags: 'long',
  }, async () => {
    const flags = ['--l1', 'alone', '--sheet', 'sheet.png', '--samples', '2', '--num_test', '2', '--json', 'both.json'];
    const { code, stdout, stderr } = await pixtape(['eval', 'tiny', ...flags], home);
    expect(code).toBe(0);
    expect(stderr).toMatch(/warning: the run with L1 alone differs in steps: 2, not 3/);
    expect(stderr.match(/warning/g)).toHaveLength(1);
    expect(stdout).toMatch(/^L1 alone( +\d+\.\d+){8}$/m);
    const { means, of, count } = json('both.json');
    expect([count, of]).toEqual([2, 3]);
    expect(means.l1?.l1).not.toBe(means.ours?.l1);

    const sheet = PNG.sync.read(readFileSync(join(home, 'sheet.png')));
    for (const checkpoint of ['tiny', 'alone']) {
      const painted = `${checkpoint}.png`;
      await run('translate', checkpoint, 'pairs/test/new0.png', painted, '--side', 'right');
      expect(contains(sheet, PNG.sync.read(readFileSync(join(home, painted))), 7)).toBe(true);
    }
  });

  it('with --dropout predicts as the paper does at test time, reproducibly by the seed', { tags: 'long' }, async () => {
    const scores = async (...flags: string[]) => {
      const out = await run('eval', 'tiny', ...flags, '--json', 'mode.json');
      const modes = { '--dropout': 'dropout on, batch statistics', '--eval': 'evaluation mode' };
      const mode = modes[flags[0] as keyof typeof modes] ?? "each picture's own statistics, no dropout";
      expect(out).toContain(`; ${mode}`);
      expect(json('mode.json').mode).toContain(mode);
      return json('mode.json').means.ours?.l1;
    };
    const sampled = await scores('--dropout');
    expect(await scores('--dropout')).toBe(sampled);
    expect(await scores('--dropout', '--seed', '5')).not.toBe(sampled);
    const own = await scores();
    expect(own).not.toBe(sampled);
    expect([sampled, own]).not.toContain(await scores('--eval'));
  });

  it('measures a run with L1 alone by itself', { tags: 'long' }, async () => {
    const out = await run('eval', 'alone');
    expect(out).toMatch(/^this checkpoint \(L1 alone\)( +\d+\.\d+){8}$/m);
    expect(out).not.toContain('is not measured');
  });

  it('takes other pictures, with their own training set for the mean', { tags: 'long' }, async () => {
    writePairs(join(home, 'others'), 12);
    const out = await run('eval', 'tiny', 'others', '--json', 'others.json');
    expect(out).toMatch(/pairs for training, \d+ held out by name: .*others/);
    expect(json('others.json').means.copy).not.toEqual(json('tiny.json').means.copy);
  });

  it('leaves pictures that are reproduced exactly out of the PSNR, and says so', { tags: 'long' }, async () => {
    writePairs(join(home, 'greys', 'train'), 2);
    mkdirSync(join(home, 'greys', 'test'));
    writePng(join(home, 'greys', 'test', 'other.png'), 32, 16, 5);
    const png = new PNG({ width: 32, height: 16 });
    png.data.fill(128);
    writeFileSync(join(home, 'greys', 'test', 'same.png'), PNG.sync.write(png));
    const out = await run('eval', 'tiny', 'greys', '--json', 'greys.json');
    expect(out).toMatch(/PSNR: copying the condition meets 1 of 2 pictures exactly; its mean is over the others\./);
    const { pictures, means, perfect } = json('greys.json');
    expect(perfect).toEqual({ copy: 1 });
    expect(means.copy?.psnr).toBe(pictures.find(({ name }) => name === 'other')?.scores.copy?.psnr);
    expect(out).toContain(means.copy?.psnr.toFixed(2));
  });

  it.each([
    [['tiny', '--l1', 'tiny'], /was trained with a discriminator\n.*--gan_mode none/],
    [['tiny', 'nowhere'], /nowhere/],
    [['tiny', '--fcn'], /the condition of .* is not a map of the classes of facades: .*\n.*--data facades-toy/],
    [['nobody'], /no checkpoint "nobody"/],
    [['tiny', '--data', 'folder'], /--dataroot DIR/],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await pixtape(['eval', ...args], home);
    expect(stderr).toMatch(message);
    expect(code).toBe(1);
  });

  it('refuses a run with L1 alone of another generator', { tags: 'long' }, async () => {
    const other = [
      '--dataroot',
      'pairs',
      ...TINY,
      '--ngf',
      '3',
      '--gan_mode',
      'none',
      '--steps',
      '1',
      '--name',
      'wide',
    ];
    await run('train', ...other);
    const { code, stderr } = await pixtape(['eval', 'tiny', '--l1', 'wide'], home);
    expect(stderr).toMatch(/has another generator or other pictures: hidden 3, not 2/);
    expect(code).toBe(1);
  });
});

/** Whether a picture occurs in another, enlarged by an integer factor. */
function contains(whole: PNG, part: PNG, factor: number): boolean {
  const same = (left: number, top: number, x: number, y: number) => {
    const from = ((top + y * factor) * whole.width + left + x * factor) * 4;
    const to = (y * part.width + x) * 4;
    return whole.data.subarray(from, from + 3).equals(part.data.subarray(to, to + 3));
  };
  const corner = (left: number, top: number) => {
    for (let i = 0; i < part.width * part.height; i++) {
      if (!same(left, top, i % part.width, Math.floor(i / part.width))) return false;
    }
    return true;
  };
  for (let top = 0; top + part.height * factor <= whole.height; top++) {
    for (let left = 0; left + part.width * factor <= whole.width; left++) if (corner(left, top)) return true;
  }
  return false;
}
