import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { checkFolder } from '../../../../src/pix2pix/data/make/check.ts';
import { draw, drawPair, encode, type Paint, pattern, scratch } from '../pictures.ts';

const at = scratch();
const grey: Paint = (x, y) => [(x * y) & 255, (x * y) & 255, (x * y) & 255];
/** The anomalies that `check` finds, without the folder's name. */
async function oddities(): Promise<string[]> {
  const { oddities: found, faults } = await checkFolder(at());
  expect(faults).toEqual([]);
  return found.map(({ path, reason }) =>
    `${path ?? '*'}: ${reason}`.replaceAll(at('/').slice(0, -1), '').replaceAll('\\', '/'),
  );
}

describe('data check', () => {
  it('finds no anomalies in a normal set', async () => {
    for (let i = 0; i < 4; i++) await drawPair(at(`train/${i}.png`), i, 32, 32);
    await drawPair(at('test/0.png'), 4, 32, 32);
    expect(await oddities()).toEqual([]);
  });

  it('lists every anomalous file of a set, with its anomalies', async () => {
    for (let i = 0; i < 5; i++) await drawPair(at(`train/${i}.png`), i, 40, 40);
    await drawPair(at('train/small.png'), 6, 20, 20);
    await drawPair(at('train/wide.png'), 7, 60, 40);
    const left = pattern(9);
    await draw(at('train/grey.png'), 80, 40, (x, y) => (x < 40 ? left(x, y) : grey(x, y)));
    await draw(at('train/4.webp'), 80, 40, pattern(10));
    await encode(80, 40, pattern(11)).ensureAlpha(0.5).toFile(at('train/clear.png'));
    await encode(80, 40, pattern(12)).toColourspace('rgb16').png().toFile(at('train/deep.png'));
    await mkdir(at('test'));
    await copyFile(at('train/2.png'), at('test/copy.png'));
    expect(await oddities()).toEqual([
      '/test/copy.png: is the same file as /train/2.png, which training sees',
      '/train/4.webp: has the same name as /train/4.png',
      '/train/clear.png: has an alpha channel: white shows through',
      '/train/deep.png: has 16 bits a channel',
      '/train/grey.png: has a grey right half where most others have colour',
      '/train/small.png: is tiny: 20 × 20 a side',
      '/train/small.png: is 20 × 20 a side, most are 40 × 40 a side',
      '/train/wide.png: is not square: 60 × 40 a side; a square --crop_size stretches it',
      '/train/wide.png: is 60 × 40 a side, most are 40 × 40 a side',
    ]);
  });

  it('reports once what all files share; grey is normal if all are', async () => {
    for (let i = 0; i < 3; i++) {
      await draw(at(`A/${i}.png`), 40, 33, pattern(i));
      await encode(40, 33, (x, y) => grey(x + i, y))
        .grayscale()
        .toFile(at(`A/tmp${i}.png`));
    }
    await mkdir(at('B'));
    for (let i = 0; i < 3; i++) {
      await copyFile(at(`A/tmp${i}.png`), at(`B/${i}.png`));
      await writeFile(
        at(`B/tmp${i}.png`),
        await encode(40, 33, (x, y) => grey(x + i + 5, y))
          .toFormat('png')
          .toBuffer(),
      );
    }
    const found = await oddities();
    expect(found[0]).toBe('*: every picture is not square: 40 × 33 a side; a square --crop_size stretches it');
    expect(found.some((line) => line.includes('is grey'))).toBe(false);
    expect(found.filter((line) => line.includes('is the same file as'))).toHaveLength(3);
  });
});
