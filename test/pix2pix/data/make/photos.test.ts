import { readdir, readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { RandomStream } from '../../../../src/engine/util/random.ts';
import { decode } from '../../../../src/pix2pix/data/image/decode.ts';
import { exportPhotos, isPhotograph } from '../../../../src/pix2pix/data/make/photos.ts';
import { draw, type Paint, scratch } from '../pictures.ts';

const at = scratch();
const quietly = { skipBad: false, warn: () => undefined };
/** A coloured gradient with sensor noise, on white. */
const photo = (seed: number): Paint => {
  const random = new RandomStream(seed);
  return (x, y) => {
    const grain = () => random.below(24);
    const inside = x > 8 && x < 60 && y > 8 && y < 60;
    return inside ? [2 * x + grain() + 90, y + grain() + 20, 60 + grain()] : [255, 255, 255];
  };
};
const drawing: Paint = (x, y) => (x > 8 && x < 60 && y > 8 && y < 60 ? [200, (x >> 3) * 12, 40] : [255, 255, 255]);

describe('data photos', () => {
  it('selects photographs, but no drawings, and no grey, small, duplicate or cartoon ones', async () => {
    const stamps = at('mirror/tuxpaint/stamps');
    await draw(`${stamps}/animals/cat_mirror.png`, 70, 70, photo(5));
    await draw(`${stamps}/animals/cat.png`, 70, 70, photo(1));
    await draw(`${stamps}/animals/twin.png`, 70, 70, photo(1));
    await draw(`${stamps}/animals/cartoon/dog.png`, 70, 70, photo(2));
    await draw(`${stamps}/food/apple.png`, 70, 70, photo(3));
    await draw(`${stamps}/food/pizza.png`, 70, 70, drawing);
    await draw(`${stamps}/food/nut.png`, 40, 40, photo(4));
    await sharp(`${stamps}/food/apple.png`).grayscale().toFile(`${stamps}/food/stone.png`);
    expect(await exportPhotos(stamps, at('out'), quietly)).toEqual({ train: 2, test: 0 });
    expect(await readdir(at('out'))).toEqual(['CREDITS.txt', 'animals-cat.png', 'food-apple.png']);
    expect(await readFile(at('out/CREDITS.txt'), 'utf8')).toMatch(
      /Tux Paint(.|\n)*Bill Kendrick(.|\n)*General Public License/,
    );
    expect(isPhotograph(await decode(at('out/food-apple.png')))).toBe(true);
    expect(isPhotograph(await decode(`${stamps}/food/pizza.png`))).toBe(false);
  });

  it('reports two photographs of the same name', async () => {
    for (const [i, kind] of ['png', 'webp'].entries()) await draw(at(`stamps/cat.${kind}`), 70, 70, photo(i));
    await expect(exportPhotos(at('stamps'), at('out'), quietly)).rejects.toThrow(/cat\.webp has the same name as/);
  });

  it('says where to get stamps if there are none', async () => {
    await expect(exportPhotos(at('nowhere'), at('out'), quietly)).rejects.toThrow(
      /no stamps in .*nowhere\n.*apt install tuxpaint-stamps-default.*--download.*--from/,
    );
  });
});
