import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { dataCommand } from '../../../src/cli/data/command.ts';
import { readArguments } from '../../../src/cli/flags/read_arguments.ts';
import { decode } from '../../../src/pix2pix/data/image/decode.ts';
import { openDataset } from '../../../src/pix2pix/data/sources/open.ts';
import { draw, drawPair, options, pattern, planesOf, scratch } from '../../pix2pix/data/pictures.ts';

const at = scratch();
afterEach(() => {
  process.exitCode = undefined;
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** Runs `pixtape data …` and returns what it printed. */
async function data(...argv: string[]): Promise<string> {
  const lines: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((line) => lines.push(line));
  vi.spyOn(console, 'warn').mockImplementation((line) => lines.push(line));
  const command = dataCommand();
  await command.parseAsync(readArguments(command, argv), { from: 'user' });
  return lines.join('\n');
}

describe('data check', () => {
  it('reports that everything is fine, with the sizes', async () => {
    for (let seed = 1; seed <= 3; seed++) await drawPair(at(`train/${seed}.png`), seed);
    await drawPair(at('test/4.png'), 4, 10, 10);
    const said = await data('check', at());
    expect(said).toContain('side by side in train, test: 3 good pairs for training, 1 for testing\n  3 × 8 × 6 a side');
    expect(said).toContain('  1 × 10 × 10 a side');
    expect(process.exitCode).toBeUndefined();
  });

  it('lists every bad file with the reason, decoding all, and exits with 1', async () => {
    for (let seed = 1; seed <= 3; seed++) await drawPair(at(`${seed}.png`), seed);
    await truncate(at('2.png'), 200);
    await draw(at('odd.png'), 15, 6, pattern(1));
    await writeFile(at('old.psd'), '8BPS');
    const said = await data('check', at());
    expect(said).toContain('2 good pairs');
    expect(said).toMatch(
      /bad {2}2\.png is cut short or damaged \(.*\)\n {5}→ Copy.*\nbad {2}odd\.png is 15 pixels wide.*\n.*\nbad {2}old\.psd is in a format/,
    );
    expect(said).toContain('3 bad files; train --skip_bad goes on without');
    expect(process.exitCode).toBe(1);
  });
});

describe('data combine', () => {
  it('puts A left and B right, in a new folder', async () => {
    for (let seed = 1; seed <= 2; seed++) {
      await draw(at(`photos/${seed}.png`), 8, 6, pattern(2 * seed));
      await draw(at(`drawings/${seed}.webp`), 8, 6, pattern(2 * seed + 1));
      await draw(at(`drawings/${seed}.png`), 8, 6, pattern(2 * seed + 1));
    }
    await expect(data('combine', at('photos'), at('drawings'), at('out'))).rejects.toThrow(
      'has the same name as 1.png',
    );
    expect(await readdir(at())).not.toContain('out');
    const said = await data('combine', '--skip-bad', at('photos'), at('drawings'), at('out'));
    expect(said).toContain('2 pairs');
    expect(await readdir(at('out'))).toEqual(['1.png', '2.png']);
    const { width, height } = await decode(at('out/1.png'));
    expect([width, height]).toEqual([16, 6]);
    const { train } = await openDataset(options(at('out')));
    const seed = Number(train.name(0));
    expect((await train.pair(0)).real).toEqual(planesOf(2 * seed));
    expect((await train.pair(0)).condition).toEqual(planesOf(2 * seed + 1));
    await expect(data('combine', at('photos'), at('photos'), at('out'))).rejects.toThrow('out is not empty');
  });

  it('keeps train and test separate', async () => {
    for (const side of ['a', 'b']) {
      await draw(at(side, 'train', '1.png'), 8, 6, pattern(1));
      await draw(at(side, 'val', '2.png'), 8, 6, pattern(2));
    }
    expect(await data('combine', at('a'), at('b'), at('out'))).toContain('1 pairs in train, 1 in test');
    expect(await readdir(at('out'))).toEqual(['test', 'train']);
  });
});

describe('data gray, edges, split and facades', () => {
  it('make folders that train accepts, of the requested size and share', async () => {
    for (let seed = 1; seed <= 4; seed++) await draw(at(`photos/${seed}.jpg`), 30, 20, pattern(seed));
    const said = await data('gray', at('photos'), at('gray'), '--crop-size', '16', '--test', '0.4');
    expect(said).toMatch(/gray: [123] pairs in train, [123] in test\ntrain on it: npx pixtape train --dataroot .*gray/);
    const { train, test } = await openDataset(options(at('gray'), { width: 16, height: 16 }));
    expect(train.length + test.length).toBe(4);
    const { condition } = await train.pair(0);
    expect(condition.subarray(0, 256)).toEqual(condition.subarray(256, 512));

    const flags = ['--sigma', '0.5', '--threshold', '0.05', '--fit', 'keep', '--crop-size', '24'];
    expect(await data('edges', at('photos'), at('edges'), ...flags)).toContain('edges: 4 pairs\n');
    const whole = await decode(at('edges/1.png'));
    expect([whole.width, whole.height]).toEqual([48, 16]);
    expect(await data('split', at('edges'), at('apart'))).toContain('apart: 4 pairs');
    expect(new Set((await decode(at('apart/B/1.png'))).data)).toEqual(new Set([0, 255]));

    expect(await data('facades', at('facades'), '--n', '3')).toContain('2 pairs in train, 1 in test');
    expect(await data('check', at('facades'))).toContain(
      '2 good pairs for training, 1 for testing\n  3 × 256 × 256 a side',
    );
    expect(process.exitCode).toBeUndefined();
  });

  it('report anomalies, and exit with 0', async () => {
    for (let seed = 1; seed <= 3; seed++) await drawPair(at(`${seed}.png`), seed, 32, 32);
    await drawPair(at('4.png'), 4, 40, 40);
    expect(await data('check', at())).toMatch(
      /4 good pairs\n(.*\n)+odd {2}4\.png is 40 × 40 a side, most are 32 × 32 a side/,
    );
    expect(process.exitCode).toBeUndefined();
  });
});

describe('data openmoji', () => {
  it('writes pairs that train accepts, split like --data openmoji, with credits', async () => {
    vi.stubEnv('XDG_CACHE_HOME', at('cache'));
    const said = await data('openmoji', at('out'), '--crop-size', '16x32', '--groups', 'cat-face', 'face-hat');
    expect(said).toContain('CC BY-SA 4.0');
    expect(await readFile(at('out/CREDITS.txt'), 'utf8')).toMatch(/OpenMoji.*CC BY-SA 4\.0(.|\n)*16 x 32 pixels/);
    const size = { width: 16, height: 32 };
    const folder = await openDataset(options(at('out'), size));
    const groups = ['cat-face', 'face-hat'];
    const emojis = await openDataset(options('', { data: 'openmoji', groups, ...size }));
    for (const part of ['train', 'test'] as const) {
      expect(folder[part].length).toBe(emojis[part].length);
      const all = async (which: typeof folder) => {
        const pairs = await Promise.all(Array.from({ length: which[part].length }, (_, i) => which[part].pair(i)));
        return new Set(pairs.map(({ real, condition }) => `${real} ${condition}`));
      };
      expect(await all(folder)).toEqual(await all(emojis));
    }
  });
});

it('every command has a description and an example', () => {
  for (const command of dataCommand().commands) {
    let text = '';
    command.configureOutput({ writeOut: (part) => (text += part) });
    command.outputHelp();
    expect(command.description()).not.toBe('');
    expect(text).toContain(`Example: pixtape data ${command.name()} `);
  }
});
