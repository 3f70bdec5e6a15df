import { mkdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { PixtapeError } from '../../../../src/engine/util/errors.ts';
import { RandomStream } from '../../../../src/engine/util/random.ts';
import { findPairs } from '../../../../src/pix2pix/data/files/layout.ts';
import type { Raster } from '../../../../src/pix2pix/data/image/raster.ts';
import { resize } from '../../../../src/pix2pix/data/image/resize.ts';
import type { Dataset } from '../../../../src/pix2pix/data/sets/dataset.ts';
import { Budget, PairDataset, type PairSource } from '../../../../src/pix2pix/data/sets/pairs.ts';
import { openDataset } from '../../../../src/pix2pix/data/sources/open.ts';
import { draw, drawPair, encode, options, pattern, planesOf, scratch } from '../pictures.ts';

const at = scratch();

const names = (dataset: Dataset) => Array.from({ length: dataset.length }, (_, i) => dataset.name(i));

/** Two files of one pair below `a` and `b`, with the patterns that `drawPair` puts side by side. */
async function drawApart(a: string, b: string, seed: number): Promise<void> {
  await draw(a, 8, 6, pattern(2 * seed));
  await draw(b, 8, 6, pattern(2 * seed + 1));
}

async function failure(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(PixtapeError);
  return (error as Error).message;
}

describe('layouts', () => {
  /** Each makes two training pairs, seeds 1 and 2, and one test pair, seed 3. */
  const layouts: Record<string, () => Promise<void>> = {
    'train/ and test/': async () => {
      await drawPair(at('train/1.png'), 1);
      await drawPair(at('train/2.png'), 2);
      await drawPair(at('test/3.png'), 3);
    },
    'Train/ and val/, in other case': async () => {
      await drawPair(at('Train/1.png'), 1);
      await drawPair(at('Train/2.PNG'), 2);
      await drawPair(at('val/3.png'), 3);
    },
    'train/, test/ and val/: test counts': async () => {
      await drawPair(at('train/1.png'), 1);
      await drawPair(at('train/2.png'), 2);
      await drawPair(at('test/3.png'), 3);
      await drawPair(at('val/4.png'), 4);
    },
    'A/train and B/train': async () => {
      await drawApart(at('A/train/1.png'), at('B/train/1.png'), 1);
      await drawApart(at('A/train/2.png'), at('B/train/2.png'), 2);
      await drawApart(at('A/test/3.png'), at('B/test/3.png'), 3);
    },
    'train/A and train/B': async () => {
      await drawApart(at('train/A/1.png'), at('train/B/1.png'), 1);
      await drawApart(at('train/A/2.png'), at('train/B/2.png'), 2);
      await drawApart(at('val/a/3.png'), at('val/b/3.png'), 3);
    },
    'trainA and trainB': async () => {
      await drawApart(at('trainA/1.png'), at('trainB/1.png'), 1);
      await drawApart(at('trainA/2.png'), at('trainB/2.png'), 2);
      await drawApart(at('testA/3.png'), at('testB/3.png'), 3);
    },
  };

  it.each(Object.keys(layouts))('%s', async (layout) => {
    await layouts[layout]!();
    const { train, test, summary } = await openDataset(options(at()));
    expect([names(train), names(test)]).toEqual([['1', '2'], ['3']]);
    expect(summary).toMatch(/^2 pairs for training, 1 held out: .*(side by side|A and B apart) in .*, BtoA$/);
    for (const [dataset, index, seed] of [
      [train, 0, 1],
      [train, 1, 2],
      [test, 0, 3],
    ] as const) {
      const { real, condition } = await dataset.pair(index);
      expect(real).toEqual(planesOf(2 * seed));
      expect(condition).toEqual(planesOf(2 * seed + 1));
    }
  });

  it.each(['the folder itself', 'A/ and B/'])('%s, a part held out', async (layout) => {
    for (let seed = 1; seed <= 5; seed++) {
      if (layout === 'A/ and B/') await drawApart(at(`A/${seed}.png`), at(`B/${seed}.png`), seed);
      else await drawPair(at(`${seed}.png`), seed);
    }
    const { train, test } = await openDataset(options(at()));
    expect([train.length, test.length]).toEqual([4, 1]);
    expect([...names(train), ...names(test)].sort()).toEqual(['1', '2', '3', '4', '5']);
    const seed = Number(test.name(0));
    expect((await test.pair(0)).real).toEqual(planesOf(2 * seed));
  });

  it('matches files of A and B by name without extension', async () => {
    await drawApart(at('A/x.y.png'), at('B/x.y.webp'), 1);
    expect((await findPairs(at())).train).toEqual([{ name: 'x.y', a: at('A/x.y.png'), b: at('B/x.y.webp') }]);
  });

  it('ignores hidden files and files that are not pictures, and follows links', async () => {
    await drawPair(at('elsewhere', 'p.png'), 1);
    await mkdir(at('data'));
    await symlink(at('elsewhere', 'p.png'), at('data', '2.png'));
    await drawPair(at('data', '1.png'), 1);
    await writeFile(at('data', '._1.png'), 'resource fork');
    await writeFile(at('data', 'readme.txt'), 'text');
    expect((await findPairs(at('data'))).train.map((pair) => pair.name)).toEqual(['1', '2']);
  });

  it('reports unused pictures next to train/', async () => {
    await drawPair(at('train/1.png'), 1);
    await drawPair(at('test/3.png'), 3);
    await drawPair(at('2.png'), 2);
    const { train, summary } = await openDataset(options(at()));
    expect(names(train)).toEqual(['1']);
    expect(summary).toContain('side by side in train, test (not used: 1 picture)');
  });

  it('AtoB swaps the sides', async () => {
    await drawPair(at('1.png'), 1);
    const { train } = await openDataset(options(at(), { direction: 'AtoB' }));
    const { real, condition } = await train.pair(0);
    expect([real, condition]).toEqual([planesOf(3), planesOf(2)]);
  });

  it('takes the first files by name with maxDatasetSize', async () => {
    for (let seed = 1; seed <= 4; seed++) await drawPair(at(`train/${seed}.png`), seed);
    await drawPair(at('test/9.png'), 9);
    const { train, test } = await openDataset(options(at(), { maxDatasetSize: 2 }));
    expect([names(train), names(test)]).toEqual([['1', '2'], ['9']]);
  });

  it('a single pair is used for both, which is reported', async () => {
    await drawPair(at('1.png'), 1);
    const asked = options(at());
    const { train, test } = await openDataset(asked);
    expect([names(train), names(test)]).toEqual([['1'], ['1']]);
    expect(asked.warnings).toEqual([expect.stringContaining('has only one pair')]);
  });
});

describe('errors', () => {
  it.each([
    ['no folder was named', () => options(undefined as never), 'no folder of pictures was named'],
    ['no such folder', () => options(at('none')), `none\n  → Check the path.`],
    ['a file', () => options(at('file.png')), 'file.png is a file, not a folder'],
    ['empty', () => options(at('empty')), 'empty (it is empty)\n  → Expected are side-by-side pictures'],
    ['no pictures', () => options(at('texts')), 'texts (it has 1 other file and the folders Sub)'],
    ['an empty test folder', () => options(at('half')), 'half/test (it is empty)'],
    ['A without B', () => options(at('lonely')), 'lonely has A/ but no B/'],
    ['trainA without trainB', () => options(at('one')), 'one/trainA is for side A, but there is no such folder for B'],
    [
      'A/train without B/train',
      () => options(at('two')),
      'two/B/train is for side B, but there is no such folder for A',
    ],
  ])('%s', async (_, asked, message) => {
    await drawPair(at('file.png'), 1);
    await mkdir(at('empty'));
    await mkdir(at('texts', 'Sub'), { recursive: true });
    await writeFile(at('texts', 'a.txt'), '');
    await drawPair(at('half/train/1.png'), 1);
    await mkdir(at('half/test'));
    await draw(at('lonely/A/1.png'), 8, 6, pattern(1));
    await draw(at('one/trainA/1.png'), 8, 6, pattern(1));
    await draw(at('two/A/1.png'), 8, 6, pattern(1));
    await draw(at('two/B/train/1.png'), 8, 6, pattern(1));
    expect((await failure(openDataset(asked()))).replaceAll('\\', '/')).toContain(message);
  });

  /** One bad file and four good pairs. */
  const bad: Record<string, { make: () => Promise<void>; message: string }> = {
    'odd width': {
      make: () => draw(at('bad.png'), 15, 6, pattern(1)),
      message: 'bad.png is 15 pixels wide, an odd number',
    },
    empty: { make: () => writeFile(at('bad.jpg'), ''), message: 'bad.jpg is empty (0 bytes)' },
    'not a picture': { make: () => writeFile(at('bad.jpg'), 'text'), message: 'bad.jpg is not a picture' },
    'of an unsupported format': {
      make: () => writeFile(at('bad.psd'), '8BPS'),
      message: 'bad.psd is in a format that is not supported (.psd)',
    },
    'a broken link': { make: () => symlink(at('gone'), at('bad.png')), message: 'bad.png is a link to nothing' },
    'cut within its header': {
      make: async () => writeFile(at('bad.webp'), (await encode(8, 6, pattern(1)).webp().toBuffer()).subarray(0, 14)),
      message: 'bad.webp is',
    },
  };
  it.each(Object.keys(bad))('a file that is %s is noticed at the start; --skip_bad leaves it out', async (kind) => {
    const { make, message } = bad[kind]!;
    for (let seed = 1; seed <= 4; seed++) await drawPair(at(`${seed}.png`), seed);
    await make();
    const said = await failure(openDataset(options(at())));
    expect(said).toContain(message);
    expect(said).toContain('--skip_bad');
    const asked = options(at(), { skipBad: true });
    const { train, test, summary } = await openDataset(asked);
    expect([...names(train), ...names(test)].sort()).toEqual(['1', '2', '3', '4']);
    expect(asked.warnings).toEqual([expect.stringContaining(message)]);
    expect(summary).toContain('1 bad left out');
  });

  it('names of A and B without a partner, sizes that differ, two files of one name', async () => {
    await drawApart(at('A/1.png'), at('B/1.png'), 1);
    await drawApart(at('A/2.png'), at('B/3.png'), 2);
    await draw(at('A/4.png'), 8, 6, pattern(1));
    await draw(at('B/4.png'), 8, 8, pattern(1));
    await drawApart(at('A/5.png'), at('B/5.png'), 3);
    await drawPair(at('B/5.webp'), 3);
    const asked = options(at(), { skipBad: true });
    const { train, test } = await openDataset(asked);
    expect([...new Set([...names(train), ...names(test)])].sort()).toEqual(['1', '5']);
    expect(asked.warnings.sort()).toEqual([
      expect.stringMatching(/2\.png has no partner in .*B; left out/),
      expect.stringMatching(/3\.png has no partner in .*A; left out/),
      expect.stringMatching(/4\.png is 8 × 8, but .*4\.png is 8 × 6; left out/),
      expect.stringMatching(/5\.webp has the same name as 5\.png; left out/),
    ]);
    expect(await failure(openDataset(options(at())))).toContain('(and 3 more files are bad)');
  });

  it('no remaining pair is an error even with --skip_bad', async () => {
    await draw(at('1.png'), 15, 6, pattern(1));
    await writeFile(at('2.png'), '');
    const message = await failure(openDataset(options(at(), { skipBad: true })));
    expect(message).toContain('every training file is bad (2 in all)');
    expect(message).toContain('pixtape data check');
  });

  it('a truncated picture is an error that names it when it is loaded', async () => {
    for (let seed = 1; seed <= 3; seed++) await drawPair(at(`train/${seed}.png`), seed);
    await drawPair(at('test/9.png'), 9);
    await truncate(at('train/2.png'), 200);
    const { train } = await openDataset(options(at()));
    await expect(train.pair(0)).resolves.toMatchObject({ name: '1' });
    const message = await failure(train.pair(1));
    expect(message).toMatch(/2\.png is cut short or damaged \(.*\)\n {2}→ .*--skip_bad/);
  });

  it('with --skip_bad the next good pair takes its place, said once', async () => {
    for (let seed = 1; seed <= 4; seed++) await drawPair(at(`train/${seed}.png`), seed);
    await drawPair(at('test/9.png'), 9);
    await truncate(at('train/3.png'), 200);
    await truncate(at('train/4.png'), 200);
    const asked = options(at(), { skipBad: true });
    const { train } = await openDataset(asked);
    const all = () => Promise.all([0, 1, 2, 3, 3].map(async (i) => (await train.pair(i)).name));
    expect(await all()).toEqual(['1', '2', '1', '1', '1']);
    expect(await all()).toEqual(['1', '2', '1', '1', '1']);
    expect(asked.warnings.length).toBe(2);
    expect(asked.warnings.join()).toContain('another pair takes its place');
    for (const name of [1, 2]) await truncate(at(`train/${name}.png`), 200);
    const again = (await openDataset(options(at(), { skipBad: true }))).train;
    expect(await failure(again.pair(0))).toContain('none of the 4 pairs can be decoded');
  });

  it('a file that vanishes while training is named', async () => {
    await drawPair(at('train/1.png'), 1);
    await drawPair(at('test/9.png'), 9);
    const { train } = await openDataset(options(at()));
    const content = await readFile(at('train/1.png'));
    await truncate(at('train/1.png'), 0);
    expect(await failure(train.pair(0))).toContain('1.png is empty (0 bytes)');
    await writeFile(at('train/1.png'), content);
    expect((await train.pair(0)).real).toEqual(planesOf(2));
  });
});

describe('size, flip and jitter', () => {
  it.each(['nearest', 'bilinear'] as const)('each half is resized on its own (%s)', async (mode) => {
    await drawPair(at('1.png'), 1, 21, 13);
    const { train } = await openDataset(options(at(), { resize: mode, width: 8, height: 10 }));
    const { real, condition } = await train.pair(0);
    const half = (seed: number): Raster => ({ width: 21, height: 13, data: planesOf(seed, 21, 13) });
    expect(real).toEqual(resize(half(2), 8, 10, mode).data);
    expect(condition).toEqual(resize(half(3), 8, 10, mode).data);
  });

  it('flip mirrors both sides, about half of the time, and never a pair without augmentation', async () => {
    await drawPair(at('1.png'), 1);
    const { train, test } = await openDataset(options(at(), { flip: true }));
    const plain = await train.pair(0);
    expect([plain.real, plain.condition]).toEqual([planesOf(2), planesOf(3)]);
    const mirror = (planes: Float32Array) => planes.map((_, i) => planes[i - (i % 8) + 7 - (i % 8)]!);
    let mirrored = 0;
    for (let step = 0; step < 100; step++) {
      const { real, condition } = await train.pair(0, new RandomStream(step));
      const flipped = real[0] !== plain.real[0];
      if (flipped) mirrored++;
      expect(real).toEqual(flipped ? mirror(plain.real) : plain.real);
      expect(condition).toEqual(flipped ? mirror(plain.condition) : plain.condition);
    }
    expect(mirrored).toBeGreaterThan(30);
    expect(mirrored).toBeLessThan(70);
    expect((await test.pair(0, new RandomStream(1))).real).toEqual(planesOf(2));
  });

  it('jitter crops from 286/256 of the size, at the same place on both sides, and reaches every place', async () => {
    await drawPair(at('1.png'), 1, 32, 32);
    const { train } = await openDataset(options(at(), { jitter: true, width: 32, height: 32 }));
    const large = (seed: number) => resize({ width: 32, height: 32, data: planesOf(seed, 32, 32) }, 36, 36, 'nearest');
    const window = ({ data }: Raster, x: number, y: number) =>
      Float32Array.from({ length: 3 * 1024 }, (_, i) => {
        const [c, row, column] = [Math.floor(i / 1024), Math.floor(i / 32) % 32, i % 32];
        return data[(c * 36 + y + row) * 36 + x + column]!;
      });
    const same = (a: Float32Array, b: Float32Array) => a.every((v, i) => v === b[i]);
    const places = new Set<string>();
    for (let step = 0; step < 120; step++) {
      const { real, condition } = await train.pair(0, new RandomStream(step));
      let found = '';
      for (let y = 0; y <= 4; y++)
        for (let x = 0; x <= 4; x++) if (same(window(large(2), x, y), real)) found = `${x} ${y}`;
      expect(found).not.toBe('');
      const [x, y] = found.split(' ').map(Number) as [number, number];
      expect(condition).toEqual(window(large(3), x, y));
      places.add(found);
    }
    expect(places.size).toBeGreaterThan(20);
  });

  it('a pair is the same whether pictures are kept or decoded anew, and kept ones are decoded once', async () => {
    let loads = 0;
    const source: PairSource = {
      length: 3,
      name: String,
      load: async (index, width, height) => {
        loads++;
        const data = (seed: number) => Uint8Array.from(planesOf(seed, width, height), (v) => Math.round(v * 255));
        return { real: { width, height, data: data(index) }, condition: { width, height, data: data(index + 9) } };
      },
    };
    const make = (bytes: number) =>
      new PairDataset(source, { ...options(''), flip: true, jitter: true, budget: new Budget(bytes) });
    const draw = async (dataset: Dataset) => {
      const drawn = [];
      for (let i = 0; i < 30; i++) drawn.push(await dataset.pair(i % 3, i % 5 === 4 ? undefined : new RandomStream(i)));
      return drawn;
    };
    const [kept, anew] = [await draw(make(1e6)), await draw(make(0))];
    expect(kept).toEqual(anew);
    loads = 0;
    const dataset = make(1e6);
    for (let i = 0; i < 30; i++) await dataset.pair(i % 3, new RandomStream(i));
    expect(loads).toBe(3);
  });
});
