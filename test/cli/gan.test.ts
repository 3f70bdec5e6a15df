import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { draw } from '../pix2pix/data/pictures.ts';
import { build, pixtape } from './command.ts';

const home = mkdtempSync(join(tmpdir(), 'pixtape-gan-'));
beforeAll(async () => {
  build();
  for (let i = 0; i < 4; i++) {
    await draw(join(home, 'pictures', 'red', `${i}.png`), 8, 8, () => [200 + i, 0, 0]);
    await draw(join(home, 'pictures', 'blue', `${i}.png`), 8, 8, () => [0, 0, 200 + i]);
  }
}, 60_000);
afterAll(() => rmSync(home, { recursive: true, force: true }));

const tiny = ['--size', '8', '--nz', '4', '--ngf', '2', '--ndf', '2', '--batch_size', '2', '--samples', '4'];
it('trains with classes, continues where it stopped, samples and is evaluated', { timeout: 240_000 }, async () => {
  const gan = (name: string, ...more: string[]) => ['gan', 'pictures', '--classes', '--name', name, ...tiny, ...more];
  const first = await pixtape(gan('colours', '--steps', '2'), home);
  expect(first.stderr).not.toContain('pixtape:');
  expect(first.code).toBe(0);
  expect(first.stdout).toContain('data     6 pictures (3 blue, 3 red), 2 held out');
  const going = await pixtape(['gan', '--continue_train', '--name', 'colours', '--steps', '4', '--samples', '4'], home);
  expect(going.stdout).toContain('going on after step 2');
  const log = readFileSync(join(home, 'runs', 'colours', 'log.jsonl'), 'utf8')
    .trim()
    .split('\n');
  expect(log.map((line) => JSON.parse(line).step)).toEqual([1, 2, 3, 4]);

  expect((await pixtape(['sample', 'colours', 'all.png', '--n', '4'], home)).code).toBe(0);
  // The first section of the run's own grid, row by row.
  const grid = join(home, 'runs', 'colours', 'samples', 'step-000004.png');
  const [drawn, trained] = [join(home, 'all.png'), grid].map((path) => PNG.sync.read(readFileSync(path)));
  const line = (png: PNG | undefined, y: number) =>
    png?.data.subarray((y * png.width + 20) * 4, (y * png.width + 240) * 4);
  const lines = Array.from({ length: (drawn?.height ?? 0) - 20 }, (_, y) => y);
  expect(lines.length).toBeGreaterThan(200);
  for (const y of lines) expect(Buffer.compare(line(drawn, y) as Buffer, line(trained, y) as Buffer)).toBe(0);

  expect((await pixtape(['sample', 'colours', 'singles', '--n', '3', '--class', 'red'], home)).code).toBe(0);
  expect(readdirSync(join(home, 'singles')).sort()).toEqual(['red-001.png', 'red-002.png', 'red-003.png']);
  expect(PNG.sync.read(readFileSync(join(home, 'singles', 'red-001.png'))).width).toBe(8);

  mkdirSync(join(home, 'made.v2'));
  expect((await pixtape(['sample', 'colours', 'made.v2', '--n', '2'], home)).code).toBe(0);
  expect(readdirSync(join(home, 'made.v2')).sort()).toEqual(['blue-001.png', 'red-001.png']);

  const judged = await pixtape(['eval-classes', 'colours', '--n', '8', '--steps', '3'], home);
  expect(judged.code).toBe(0);
  expect(judged.stdout).toMatch(/agreement: \d+\.\d % of 8 pictures show the class asked for \(chance 50\.0 %\)/);
  const figures = JSON.parse(readFileSync(join(home, 'runs', 'colours', 'classes.json'), 'utf8'));
  expect(figures).toMatchObject({ classes: ['blue', 'red'], step: 4, made: { of: 8 }, judge: { steps: 3 } });
});

it('says what is wrong, and what to do', { tags: 'long', timeout: 60_000 }, async () => {
  for (const [args, message] of [
    [['gan'], /no data: gan needs a folder, gan DIR/],
    [
      ['gan', '--classes', 'pictures'],
      /--classes pictures: that is a folder, not a table[\s\S]*gan pictures --classes/,
    ],
    [['gan', 'pictures', '--data', 'smileys'], /--data smileys brings its own pictures/],
    [['gan', '--data', 'openmoji', '--classes'], /--data openmoji has no classes/],
    [['gan', 'pictures', '--size', '48'], /Expected a power of two/],
    [['sample', 'nothing', 'a.png'], /there is no checkpoint "nothing"/],
  ] as const) {
    const { code, stderr } = await pixtape([...args], home);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
  }
});
