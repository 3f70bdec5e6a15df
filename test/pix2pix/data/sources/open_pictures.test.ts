import { mkdir, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { RandomStream } from '../../../../src/engine/util/random.ts';
import { AT_REST, warp } from '../../../../src/pix2pix/data/image/warp.ts';
import { SMILEYS } from '../../../../src/pix2pix/data/sources/emoji/smileys.ts';
import { type OpenPictureOptions, openPictures } from '../../../../src/pix2pix/data/sources/open_pictures.ts';
import { draw, encode, type Paint, pattern, scratch } from '../pictures.ts';

const at = scratch();
const options = (more: Partial<OpenPictureOptions> = {}): OpenPictureOptions & { warnings: string[] } => {
  const warnings: string[] = [];
  const warn = (line: string) => warnings.push(line);
  return {
    data: 'folder',
    dataroot: at(),
    augment: false,
    flip: false,
    skipBad: false,
    side: 8,
    warn,
    warnings,
    ...more,
  };
};
const flat =
  (...colour: [number, number, number]): Paint =>
  () =>
    colour;

/** Red, green and blue of a picture's middle, 0 … 255. */
function middle(picture: Float32Array, side = 8): number[] {
  return [0, 1, 2].map((c) => Math.round(255 * (picture[(c * side + side / 2) * side + side / 2] as number)));
}

describe('a folder of pictures', () => {
  it('is read with its subfolders; every kind of picture becomes a square of RGB', async () => {
    await draw(at('a.png'), 8, 8, pattern(1));
    await draw(at('deep', 'er', 'b.jpg'), 40, 20, flat(200, 30, 30));
    const grey = encode(9, 13, flat(90, 90, 90)).toColourspace('b-w');
    await writeFile(at('c-grey.png'), await grey.png().toBuffer());
    const clear = encode(8, 8, flat(0, 0, 0)).ensureAlpha(0);
    await writeFile(at('d-clear.png'), await clear.png().toBuffer());
    const wide = encode(8, 8, flat(120, 60, 30)).toColourspace('rgb16');
    await writeFile(at('e-wide.png'), await wide.png().toBuffer());
    await writeFile(at('notes.txt'), 'no picture');

    const { train, test, summary } = await openPictures(options());
    expect(train.length).toBe(5);
    expect(test).toBeUndefined();
    expect(train.classes).toEqual([]);
    expect(summary).toContain('5 pictures');
    const names = [0, 1, 2, 3, 4].map((i) => train.name(i));
    const of = async (name: string) => train.picture(names.indexOf(name));
    const plain = await of('a');
    for (const [c, y, x] of [
      [0, 0, 0],
      [1, 3, 5],
      [2, 7, 7],
    ] as const) {
      expect(plain[(c * 8 + y) * 8 + x]).toBeCloseTo((pattern(1)(x, y)[c] as number) / 255, 6);
    }
    const [red = 0, green = 0] = middle(await of('deep-er-b'));
    expect(red).toBeGreaterThan(180);
    expect(green).toBeLessThan(50);
    expect(middle(await of('c-grey'))).toEqual([90, 90, 90]);
    expect(middle(await of('d-clear'))).toEqual([255, 255, 255]);
    expect(middle(await of('e-wide'))).toEqual([120, 60, 30]);
  });

  it('crops the centre of pictures that are not square', async () => {
    await draw(at('long.png'), 30, 10, (x) => (x >= 10 && x < 20 ? [0, 0, 255] : [255, 0, 0]));
    const { train } = await openPictures(options());
    const picture = await train.picture(0);
    for (let i = 0; i < 64; i++) expect([picture[i], picture[128 + i]]).toEqual([0, 1]);
  });

  it('names a bad file, or continues without it', async () => {
    await draw(at('good.png'), 8, 8, pattern(1));
    await writeFile(at('bad.png'), 'not a picture');
    await expect(openPictures(options())).rejects.toThrow(/bad\.png is not a picture[\s\S]*--skip_bad/);
    const skipping = options({ skipBad: true });
    expect((await openPictures(skipping)).train.length).toBe(1);
    expect(skipping.warnings.join()).toContain('bad.png');
  });

  it('says so if there is none', async () => {
    await expect(openPictures(options())).rejects.toThrow(/there is no picture in/);
    await expect(openPictures(options({ dataroot: at('nowhere') }))).rejects.toThrow(/there is no folder/);
  });
});

describe('classes from folders', () => {
  it('are their names in order; each is drawn equally often, and one of each is held out', async () => {
    for (let i = 0; i < 6; i++) await draw(at('red', `${i}.png`), 8, 8, flat(200 + i, 0, 0));
    for (let i = 0; i < 3; i++) await draw(at('blue', 'more', `${i}.png`), 8, 8, flat(0, 0, 200 + i));
    const { train, test, summary } = await openPictures(options({ classes: 'folders' }));
    expect(train.classes).toEqual(['blue', 'red']);
    const labels = Array.from({ length: train.length }, (_, i) => train.label(i));
    expect(labels.filter((label) => label === 0)).toHaveLength(train.length / 2);
    expect(train.count + (test?.count ?? 0)).toBe(9);
    expect(new Set(Array.from({ length: test?.length ?? 0 }, (_, i) => test?.label(i)))).toEqual(new Set([0, 1]));
    for (let i = 0; i < train.length; i++) {
      const [red = 0, , blue = 0] = middle(await train.picture(i));
      expect(train.label(i)).toBe(red > blue ? 1 : 0);
    }
    const names = (set: typeof train) => Array.from({ length: set.length }, (_, i) => set.name(i));
    expect(names(train).filter((name) => test && names(test).includes(name))).toEqual([]);
    expect(summary).toMatch(/\d blue, \d red/);
  });

  it('a class of two keeps both for training', async () => {
    for (let i = 0; i < 10; i++) await draw(at('red', `${i}.png`), 8, 8, flat(200 + i, 0, 0));
    for (let i = 0; i < 2; i++) await draw(at('blue', `${i}.png`), 8, 8, flat(0, 0, 200 + i));
    const { train, test } = await openPictures(options({ classes: 'folders' }));
    const held = Array.from({ length: test?.length ?? 0 }, (_, i) => test?.label(i));
    expect(new Set(held)).toEqual(new Set([1]));
    expect(train.count + held.length).toBe(12);
  });

  it('must be at least two, none empty, with no other files', async () => {
    const folders = options({ classes: 'folders' });
    await expect(openPictures(folders)).rejects.toThrow(/has no class: a class-conditional GAN needs at least two/);
    await draw(at('red', 'a.png'), 8, 8, pattern(1));
    await expect(openPictures(folders)).rejects.toThrow(/only one class, "red"/);
    await mkdir(at('blue'));
    await expect(openPictures(folders)).rejects.toThrow(/the class "blue" is empty/);
    await draw(at('blue', 'b.png'), 8, 8, pattern(2));
    await draw(at('loose.png'), 8, 8, pattern(3));
    await expect(openPictures(folders)).rejects.toThrow(/loose\.png lies beside the folders/);
  });
});

describe('classes from a table', () => {
  const table = async (text: string) => {
    await writeFile(at('labels.csv'), text);
    return options({ classes: { table: at('labels.csv') } });
  };

  it('accepts a title, quotes, semicolons, either line ending, and line breaks in quotes', async () => {
    await draw(at('a.png'), 8, 8, flat(1, 0, 0));
    await draw(at('b, too.png'), 8, 8, flat(2, 0, 0));
    await draw(at('sub', 'c.png'), 8, 8, flat(3, 0, 0));
    await draw(at('unlisted.png'), 8, 8, flat(4, 0, 0));
    const text = '\uFEFFfile,class\r\na.png,small\r\n"b, too.png";"very\n""big"""\r\nsub/c.png, small\r\n\r\n';
    const { train } = await openPictures(await table(text));
    expect(train.classes).toEqual(['small', 'very\n"big"']);
    expect(train.count).toBe(3);
    const seen = await Promise.all(
      Array.from({ length: train.length }, async (_, i) => [middle(await train.picture(i))[0], train.label(i)]),
    );
    expect(seen).toEqual([
      [1, 0],
      [3, 0],
      [2, 1],
      [2, 1],
    ]);
  });

  it.each([
    ['a.png,red\nmissing.png,blue', /labels\.csv, line 2: there is no picture .*missing\.png/],
    ['a.png,red\nb.png', /line 2: "b\.png" is not file,class/],
    ['a.png,red\nb.png,blue\na.png,blue', /line 3: a\.png comes a second time/],
    ['a.png,red\nb.png,red', /only one class, "red"/],
    ['', /has no class/],
    ['a.png,"red', /labels\.csv: Quote Not Closed.* line 1/],
    ['a.png,"dark\nred"\nb.png', /line 3: "b\.png" is not file,class/],
  ])('refuses %j', async (text, message) => {
    for (const name of ['a.png', 'b.png']) await draw(at(name), 8, 8, pattern(1));
    await expect(openPictures(await table(text))).rejects.toThrow(message);
  });

  it('says so if it cannot be read', async () => {
    await draw(at('a.png'), 8, 8, pattern(1));
    await expect(openPictures(options({ classes: { table: at('none.csv') } }))).rejects.toThrow(/cannot be read/);
    await expect(openPictures(options({ classes: { table: at() } }))).rejects.toThrow(/is a folder, not a table/);
  });
});

describe('the smileys', () => {
  it('are the faces of four classes, moved by the stream alone, one of each held out', async () => {
    const opened = await openPictures(options({ data: 'smileys', augment: true, flip: true, side: 16 }));
    const { train, test, credits } = opened;
    expect(train.classes).toEqual(['smile', 'laugh', 'sad', 'angry']);
    expect(train.count + 4).toBe(Object.values(SMILEYS).flat().length);
    expect([0, 1, 2, 3].map((i) => test?.label(i))).toEqual([0, 1, 2, 3]);
    expect(credits).toContain('OpenMoji');
    const plain = await train.picture(0);
    expect(plain).toHaveLength(3 * 16 * 16);
    // A yellow face on white.
    expect(plain[0]).toBe(1);
    const [red = 0, green = 0, blue = 0] = middle(plain, 16);
    expect(red).toBeGreaterThan(200);
    expect(green).toBeGreaterThan(180);
    expect(blue).toBeLessThan(120);
    const moved = () => train.picture(0, new RandomStream(4, 5));
    expect(await moved()).toEqual(await moved());
    expect(await moved()).not.toEqual(plain);
    expect(await moved()).not.toEqual(await train.picture(0, new RandomStream(4, 6)));
  });
});

describe('warp', () => {
  const from = { width: 8, height: 8, data: Uint8Array.from({ length: 192 }, (_, i) => (i * 37) % 251) };
  const value = (c: number, y: number, x: number) => (from.data[(c * 8 + y) * 8 + x] as number) / 255;

  it('does not change a picture without motion, and averages one of twice the size', () => {
    warp(from, 8, AT_REST).forEach((v, i) => {
      expect(v).toBeCloseTo((from.data[i] as number) / 255, 6);
    });
    const half = warp(from, 4, AT_REST);
    expect(half[0]).toBeCloseTo((value(0, 0, 0) + value(0, 0, 1) + value(0, 1, 0) + value(0, 1, 1)) / 4, 6);
  });

  it('mirrors, shifts, and turns clockwise about the centre', () => {
    expect(warp(from, 8, { ...AT_REST, mirror: true })[8 + 2]).toBeCloseTo(value(0, 1, 5), 5);
    expect(warp(from, 8, { ...AT_REST, dx: 1 / 8, dy: 2 / 8 })[4 * 8 + 3]).toBeCloseTo(value(0, 2, 2), 5);
    // A quarter turn clockwise takes the top row to the right column.
    expect(warp(from, 8, { ...AT_REST, angle: Math.PI / 2 })[3 * 8 + 7]).toBeCloseTo(value(0, 0, 3), 5);
    // Beyond the edge, the edge is repeated.
    expect(warp(from, 8, { ...AT_REST, dx: 0.5 })[0]).toBeCloseTo(value(0, 0, 0), 5);
  });
});
