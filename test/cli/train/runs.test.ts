import { existsSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { beforeAll, expect, it } from 'vitest';
import { age } from '../../../src/cli/runs.ts';
import type { Evaluation } from '../../../src/pix2pix/train/evaluate/evaluate.ts';
import { temporaryFolders } from '../../pix2pix/train/tiny.ts';
import { build, pixtape, TINY, writePairs } from '../command.ts';

/** `pixtape runs` lists the runs of `train`, and `pixtape compare` compares them. */
const folder = temporaryFolders();
let home: string;
beforeAll(async () => {
  build();
  home = folder();
  writePairs(join(home, 'pairs'), 12);
  for (const [name, steps, ...more] of [
    ['first', '9'],
    ['second', '3', '--lr', '0.5'],
    ['wide', '1', '--crop_size', '32x16'],
  ] as const) {
    const { code, stderr } = await pixtape(
      ['train', '--dataroot', 'pairs', ...TINY, '--name', name, '--steps', steps, ...more],
      home,
    );
    expect(code, stderr).toBe(0);
  }
}, 600_000);

const picture = join('runs', 'first', 'samples', 'step-000009.png');

it('runs: step, age, held-out L1 and last picture, the newest first, and the same as JSON', async () => {
  const { stdout } = await pixtape(['runs'], home);
  const [head, ...lines] = stdout.trim().split('\n');
  expect(head).toMatch(/^run +step +saved +held-out L1 +last picture$/);
  expect(lines.map((line) => line.split(/\s+/)[0])).toEqual(['wide', 'second', 'first']);
  expect(lines[2]).toMatch(/^first +9 +\d+ (s|min) ago +0\.\d{4} +runs.first.samples.step-000009\.png$/);
  const runs = JSON.parse((await pixtape(['runs', '--json'], home)).stdout);
  expect(runs[2]).toMatchObject({ name: 'first', folder: join('runs', 'first'), step: 9, picture });
  expect(lines[2]).toContain(runs[2].heldOutL1.toFixed(4));
  expect(existsSync(join(home, picture))).toBe(true);
});

it('runs: says so if there are none', async () => {
  const { stdout, code } = await pixtape(['runs', '--checkpoints_dir', 'elsewhere'], home);
  expect([stdout, code]).toEqual(['There is no run in elsewhere.\n', 0]);
  expect((await pixtape(['runs', '--checkpoints_dir', 'elsewhere', '--json'], home)).stdout).toBe('[]\n');
});

it('compare: the scores of eval, the differences, and a sheet with a column per run', {
  timeout: 120_000,
}, async () => {
  const { code, stdout, stderr } = await pixtape(
    ['compare', 'first', 'second', '--json', 'both.json', '--samples', '2'],
    home,
  );
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/^ +step +L1 +PSNR/m);
  expect(stdout).toMatch(/^first +9( +-?\d+\.\d+){5}$/m);
  expect(stdout).toMatch(/^second +3( +-?\d+\.\d+){5}$/m);
  expect(stdout).toMatch(/^copying the condition +–( +\d+\.\d+){5}$/m);
  expect(stdout).toMatch(/^What differs between them\n +first +second\n(.*\n)*lr +\S+ +0\.5$/m);
  const both = JSON.parse(readFileSync(join(home, 'both.json'), 'utf8'));
  expect(both.runs.map(({ name, step }: { name: string; step: number }) => [name, step])).toEqual([
    ['first', 9],
    ['second', 3],
  ]);
  await pixtape(['eval', 'second', '--json', 'one.json'], home);
  const one: Evaluation = JSON.parse(readFileSync(join(home, 'one.json'), 'utf8'));
  expect(both.runs[1].means.ours).toEqual(one.means.ours);
  // Four columns of at least 108 pixels.
  expect(PNG.sync.read(readFileSync(join(home, 'compare.png'))).width).toBeGreaterThan(4 * 108);
});

it('compare: refuses one run alone, and pictures of another size', async () => {
  const alone = await pixtape(['compare', 'first'], home);
  expect([alone.code, alone.stderr]).toEqual([1, expect.stringContaining('Name two or more')]);
  const wide = await pixtape(['compare', 'first', 'wide'], home);
  expect(wide.code).toBe(1);
  expect(wide.stderr).toContain('wide paints 32 × 16, 3 → 3 channels; first paints 16 × 16');
});

it('runs: names a damaged checkpoint, and still lists the others', async () => {
  truncateSync(join(home, 'runs', 'second', 'latest.safetensors'), 100);
  const { stdout, code } = await pixtape(['runs'], home);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^second +– +\d+ s ago +– +.*latest\.safetensors/m);
  expect(stdout).toMatch(/^first +9 /m);
});

it('states ages in their largest unit', () => {
  expect([-1, 59.9, 60, 7199, 86_400 * 3.5].map(age)).toEqual(['0 s', '59 s', '1 min', '1 h', '3 d']);
});
