import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolders } from '../pix2pix/train/tiny.ts';
import { build, pixtape, TINY, writePairs, writePng } from './command.ts';

const folder = temporaryFolders();
let home: string;
beforeAll(async () => {
  build();
  home = folder();
  writePairs(join(home, 'pairs'), 8);
  const train = ['train', '--dataroot', 'pairs', '--name', 'tiny', ...TINY, '--steps', '4', '--samples', '1'];
  const { stderr, code } = await pixtape([...train, '--init', 'paper'], home);
  expect(stderr).not.toContain('pixtape:');
  expect(code).toBe(0);
  mkdirSync(join(home, 'in', 'deeper'), { recursive: true });
  writePng(join(home, 'in', 'a.png'), 16, 16, 1);
  writePng(join(home, 'in', 'b.png'), 16, 16, 2);
  writePng(join(home, 'in', 'odd.png'), 19, 10, 3);
  writeFileSync(join(home, 'in', 'notes.txt'), 'no picture');
}, 120_000);

const read = (...path: string[]) => PNG.sync.read(readFileSync(join(home, ...path)));

describe('translate', { timeout: 120_000 }, () => {
  it('translates one picture, given the checkpoint, the folder or the name of the run', async () => {
    for (const checkpoint of ['runs/tiny/latest.safetensors', 'runs/tiny', 'tiny']) {
      const to = `one-${checkpoint.length}.png`;
      const { code, stdout, stderr } = await pixtape(['translate', checkpoint, 'in/a.png', to], home);
      expect(stderr).not.toContain('pixtape:');
      expect(code).toBe(0);
      expect(stdout).toMatch(/step 4, trained at 16 × 16; each picture's own statistics, no dropout/);
      expect(stdout).toMatch(new RegExp(`painted {2}1 picture in .* → ${to}`));
    }
    expect(read('one-28.png').data.equals(read('one-4.png').data)).toBe(true);
    expect(read('one-9.png').data.equals(read('one-4.png').data)).toBe(true);
  });

  it('translates a folder, unusual sizes included, and says how it treated them', async () => {
    const { code, stdout } = await pixtape(['translate', 'tiny', 'in', 'out/painted'], home);
    expect(code).toBe(0);
    expect(readdirSync(join(home, 'out', 'painted')).sort()).toEqual(['a.png', 'b.png', 'odd.png']);
    expect(stdout).toMatch(/painted {2}3 pictures in .* s, [\d.]+ pictures\/s → out\/painted/);
    expect(stdout).toMatch(/1 picture was filled up to multiples of 4 pixels/);
    const odd = read('out', 'painted', 'odd.png');
    expect([odd.width, odd.height]).toEqual([19, 10]);
    const { code: one } = await pixtape(['translate', 'tiny', 'in/b.png', 'b.png'], home);
    expect(one).toBe(0);
    expect(read('b.png').data.equals(read('out', 'painted', 'b.png').data)).toBe(true);
  });

  it('resizes as training does if asked to, and writes the requested format', { tags: 'long' }, async () => {
    const flags = ['--crop_size', '24x16', '--format', 'webp'];
    const { code, stdout } = await pixtape(['translate', 'tiny', 'in', 'sized/', ...flags], home);
    expect(code).toBe(0);
    expect(stdout).not.toContain('filled up');
    expect(readdirSync(join(home, 'sized')).sort()).toEqual(['a.webp', 'b.webp', 'odd.webp']);
    await pixtape(['translate', 'tiny', 'in/odd.png', 'sized/one.png', '--crop_size', '24x16'], home);
    expect([read('sized', 'one.png').width, read('sized', 'one.png').height]).toEqual([24, 16]);
  });

  it('takes one half of side-by-side pairs', { tags: 'long' }, async () => {
    const { code } = await pixtape(['translate', 'tiny', 'pairs', 'halves', '--side', 'right'], home);
    expect(code).toBe(0);
    expect(read('halves', 'pair0.png').width).toBe(16);
    const odd = await pixtape(['translate', 'tiny', 'in/odd.png', 'half.png', '--side', 'left'], home);
    expect(odd.stderr).toMatch(/odd\.png is 19 pixels wide, which has no halves\n.*Leave --side out/);
    expect(odd.code).toBe(1);
  });

  it('says so if side-by-side pairs are translated whole, and refuses to halve a picture that is not a pair', {
    tags: 'long',
  }, async () => {
    const whole = await pixtape(['translate', 'tiny', 'pairs', 'whole'], home);
    expect(whole.code).toBe(0);
    expect(whole.stdout).toMatch(
      /note +\d+ pictures have the shape of side-by-side pairs .* whole: --side right paints/,
    );
    const single = await pixtape(['translate', 'tiny', 'in/a.png', 'single.png'], home);
    expect(single.stdout).not.toContain('side-by-side');
    const halved = await pixtape(['translate', 'tiny', 'in/a.png', 'half.png', '--side', 'right'], home);
    expect(halved.code).toBe(1);
    expect(halved.stderr).toMatch(
      /a\.png is 16 × 16, the shape of a single picture and not of a pair\n.*Leave --side out/,
    );
  });

  it('predicts in evaluation mode if asked to', { tags: 'long' }, async () => {
    const { stdout } = await pixtape(['translate', 'tiny', 'in/a.png', 'usual.png'], home);
    expect(stdout).not.toContain('evaluation mode');
    const evaluated = await pixtape(['translate', 'tiny', 'in/a.png', 'eval.png', '--eval'], home);
    expect(evaluated.stdout).toContain('trained at 16 × 16; evaluation mode');
    expect(read('eval.png').data.equals(read('usual.png').data)).toBe(false);
    const both = await pixtape(['translate', 'tiny', 'in/a.png', 'both.png', '--eval', '--dropout'], home);
    expect(both.stderr).toMatch(/--dropout with --eval: evaluation mode has no dropout/);
    expect(both.code).toBe(1);
  });

  it('samples with dropout, repeatably by the seed', { tags: 'long' }, async () => {
    const sample = async (to: string, ...flags: string[]) => {
      const { stdout } = await pixtape(['translate', 'tiny', 'in/a.png', to, '--dropout', ...flags], home);
      expect(stdout).toContain('dropout on, batch statistics');
      return read(to).data;
    };
    const [first, same, other] = [
      await sample('d1.png', '--seed', '1'),
      await sample('d2.png', '--seed', '1'),
      await sample('d3.png', '--seed', '2'),
    ];
    expect(first.equals(same)).toBe(true);
    expect(first.equals(other)).toBe(false);
  });

  it('names bad pictures, and continues without them if asked to', { tags: 'long' }, async () => {
    mkdirSync(join(home, 'bad'));
    copyFileSync(join(home, 'in', 'a.png'), join(home, 'bad', 'a.png'));
    copyFileSync(join(home, 'in', 'a.png'), join(home, 'bad', 'torn.png'));
    truncateSync(join(home, 'bad', 'torn.png'), 80);
    const strict = await pixtape(['translate', 'tiny', 'bad', 'strict'], home);
    expect(strict.stderr).toMatch(/torn\.png is cut short or damaged.*\n.*--skip_bad/);
    expect(strict.code).toBe(1);
    const lax = await pixtape(['translate', 'tiny', 'bad', 'lax', '--skip_bad'], home);
    expect(lax.stderr).toMatch(/warning: .*torn\.png is cut short or damaged.*left out/);
    expect(lax.stdout).toContain('painted  1 picture');
    expect(readdirSync(join(home, 'lax'))).toEqual(['a.png']);
  });

  it('keeps pictures with different extensions separate', { tags: 'long' }, async () => {
    mkdirSync(join(home, 'twins'));
    copyFileSync(join(home, 'in', 'a.png'), join(home, 'twins', 'a.png'));
    copyFileSync(join(home, 'sized', 'a.webp'), join(home, 'twins', 'a.webp'));
    await pixtape(['translate', 'tiny', 'twins', 'twins-out'], home);
    expect(readdirSync(join(home, 'twins-out')).sort()).toEqual(['a.png.png', 'a.webp.png']);
  });

  const wrong: [string, string[], RegExp][] = [
    ['no such checkpoint', ['nobody', 'in', 'x'], /no checkpoint "nobody".*\n.*Runs in runs.*tiny/],
    ['no such picture', ['tiny', 'nothing.png', 'x.png'], /there is no nothing\.png/],
    ['a folder without pictures', ['tiny', 'runs', 'x'], /no picture in runs \(it has the folders tiny\)/],
    ['the picture itself', ['tiny', 'in/a.png', 'in/../in/a.png'], /would be overwritten/],
    ['the folder itself', ['tiny', 'in', 'in'], /a\.png is one of the pictures/],
    ['a format that is not written', ['tiny', 'in/a.png', 'x.bmp'], /not written as \.bmp\n.*\.png/],
    ['no format', ['tiny', 'in/a.png', 'x'], /the name says no format/],
    ['a file for a folder', ['tiny', 'in', 'in/notes.txt'], /notes\.txt is a file, but in is a folder/],
    ['a picture for a folder', ['tiny', 'in', 'x.png'], /x\.png is the name of a picture, but in is a folder/],
    ['what is no picture', ['tiny', 'in/notes.txt', 'x.png'], /notes\.txt is not a picture/],
    ['too few arguments', ['tiny', 'in'], /missing required argument 'out'/],
    [
      'more pixels than there is memory for',
      ['tiny', 'in/a.png', 'x.png', '--crop_size', '8000'],
      /(not enough memory: )?painting a picture of 8000 × 8000 (takes|is too large).*\n.*Reduce its size: --crop_size/,
    ],
    [
      'more pixels than can be counted',
      ['tiny', 'in/a.png', 'x.png', '--crop_size', '40000'],
      /painting a picture of 40000 × 40000 is too large to be run.*\n.*Reduce its size: --crop_size/,
    ],
  ];
  it.concurrent.each(wrong)('refuses %s', { tags: 'long' }, async (_, args, message) => {
    const original = readFileSync(join(home, 'in', 'a.png'));
    const { code, stderr } = await pixtape(['translate', ...args], home);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at .*\.js:\d+/m);
    expect(code).toBe(1);
    expect(readFileSync(join(home, 'in', 'a.png')).equals(original)).toBe(true);
    expect(existsSync(join(home, 'x')) || existsSync(join(home, 'x.png'))).toBe(false);
  });
});
