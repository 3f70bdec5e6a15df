import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { beforeAll, expect, it } from 'vitest';
import { RandomStream } from '../../../src/engine/util/random.ts';
import { decode } from '../../../src/pix2pix/data/image/decode.ts';
import { makeTiff } from '../../pix2pix/data/decoders/make_tiff.ts';
import { temporaryFolders } from '../../pix2pix/train/tiny.ts';
import { build, pixtape, TINY } from '../command.ts';

const folder = temporaryFolders();
beforeAll(build);

const [width, height, bands] = [16, 16, 5];

/** A: pictures; B: five bands of 12 bits in 16. */
function writePairs(home: string): void {
  for (const side of ['A', 'B']) mkdirSync(join(home, side), { recursive: true });
  for (let i = 0; i < 4; i++) {
    const random = new RandomStream(3, i);
    const data = Uint16Array.from({ length: width * height * bands }, () => random.below(4096));
    writeFileSync(join(home, 'B', `${i}.tif`), makeTiff({ width, height, bands, data, photometric: 1 }));
    const png = new PNG({ width, height });
    png.data.forEach((_, at) => {
      png.data[at] = at % 4 === 3 ? 255 : random.below(256);
    });
    writeFileSync(join(home, 'A', `${i}.png`), PNG.sync.write(png));
  }
}

it('translates five bands to pictures, and pictures to five bands', { tags: 'long', timeout: 240_000 }, async () => {
  const home = folder();
  writePairs(join(home, 'set'));
  const run = async (...args: string[]) => {
    const result = await pixtape(args, home);
    expect(result.code, result.stderr).toBe(0);
    return result.stdout;
  };
  const train = ['train', '--dataroot', 'set', '--crop_size', '16', '--steps', '2', ...TINY];

  const without = await pixtape(train, home);
  expect(without.code).toBe(1);
  expect(without.stderr).toMatch(/B\/\d\.tif has 5 bands; pictures have 3, or 1 for grey\n.*--input_nc 5/);

  const said = await run(...train, '--name', 'paint', '--input_nc', '5', '--range', '0,4095');
  expect(said).toMatch(/held-out L1 0\.\d+\n/);
  expect(said).not.toMatch(/NaN/);
  const report = readFileSync(join(home, 'runs', 'paint', 'report.html'), 'utf8');
  expect(report).toContain('Held-out L1');
  expect(report).not.toContain('Copying the input');
  await run('translate', 'paint', 'set/B/0.tif', 'painted.png');
  expect(PNG.sync.read(readFileSync(join(home, 'painted.png')))).toMatchObject({ width, height });
  expect(await run('eval', 'paint')).toMatch(/this checkpoint/);
  const other = await pixtape(['train', '--continue_train', '--name', 'paint', '--range', '0,65535'], home);
  expect(other.stderr).toMatch(/--range 0,65535: the run that --continue_train continues has 0,4095/);
  await run('train', '--continue_train', '--name', 'paint', '--steps', '3');

  const back = ['--name', 'back', '--direction', 'AtoB', '--output_nc', '5', '--range', '0,4095'];
  await run(...train, ...back);
  await run('translate', 'back', 'set/A', 'measured');
  const array = join(home, 'measured', '0.npy');
  const values = await decode(array, { channels: 5, range: { min: 0, max: 4095 } });
  expect(values).toMatchObject({ width, height });
  expect(Math.max(...values.data)).toBeGreaterThan(0.1);
  expect(values.clipped).toBeUndefined();
  const wrong = await pixtape(['translate', 'back', 'set/A/0.png', 'measured.png'], home);
  expect(wrong.stderr).toMatch(/measured\.png cannot hold 5 channels\n.*\.npy/);
});

it('grey from pictures: --input_nc 1 gives the network luma', { tags: 'long', timeout: 120_000 }, async () => {
  const home = folder();
  writePairs(join(home, 'set'));
  const flags = ['--direction', 'AtoB', '--input_nc', '1', '--output_nc', '5', '--range', '0,4095', '--name', 'grey'];
  const { code, stderr } = await pixtape(
    ['train', '--dataroot', 'set', '--crop_size', '16', '--steps', '1', ...flags, ...TINY],
    home,
  );
  expect(code, stderr).toBe(0);
  const drawn = await pixtape(['train', '--data', 'facades-toy', '--input_nc', '4', '--steps', '1', ...TINY], home);
  expect(drawn.stderr).toMatch(/these pictures have 3 channels, but the networks take 4/);
});
