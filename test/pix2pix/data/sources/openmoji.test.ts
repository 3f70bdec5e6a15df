import { readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RandomStream } from '../../../../src/engine/util/random.ts';
import type { DataOptions } from '../../../../src/pix2pix/data/sets/dataset.ts';
import {
  baseOf,
  chooseEmojis,
  type Emoji,
  readEmojiPackage,
} from '../../../../src/pix2pix/data/sources/emoji/emoji.ts';
import { openEmojiPack } from '../../../../src/pix2pix/data/sources/emoji/emoji_pack.ts';
import { splitEmojis } from '../../../../src/pix2pix/data/sources/emoji/openmoji.ts';
import { openDataset } from '../../../../src/pix2pix/data/sources/open.ts';
import { options, scratch } from '../pictures.ts';

const at = scratch();
const before = process.env.XDG_CACHE_HOME;
const useCache = () => {
  process.env.XDG_CACHE_HOME = at('cache');
};
afterAll(() => {
  if (before === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = before;
});

let all: Emoji[];
beforeAll(() => {
  all = readEmojiPackage().emojis;
});

const emoji = (hexcode: string): Emoji => ({ hexcode, annotation: hexcode, group: 'g', subgroup: 's' });
const asked = (more: Partial<DataOptions>) =>
  options('', { data: 'openmoji', dataroot: '', width: 16, height: 16, ...more });
const cats = ['cat-face'];

describe('the package', () => {
  it('has 2465 emojis without skin-tone variants, each with its own name', () => {
    expect(all.length).toBe(2465);
    expect(new Set(all.map((e) => e.hexcode)).size).toBe(2465);
    for (const { hexcode } of all) expect(hexcode).not.toMatch(/-1F3F[B-F]/);
  });

  it('chooses groups and subgroups, and lists them when a name is unknown', () => {
    const smileys = chooseEmojis(all, ['smileys-emotion']);
    expect(smileys.length).toBeGreaterThan(100);
    expect(new Set(smileys.map((e) => e.group))).toEqual(new Set(['smileys-emotion']));
    expect(chooseEmojis(all, ['cat-face', 'face-hat']).length).toBe(12);
    expect(new Set(chooseEmojis(all, ['extras-openmoji/flags']).map((e) => `${e.group} ${e.subgroup}`)).size).toBe(1);
    expect(chooseEmojis(all).length).toBe(2465);
    expect(() => chooseEmojis(all, ['cat-face', 'dogs'])).toThrow(
      /no group or subgroup "dogs"\n {2}→ Groups and their subgroups are\n(.|\n)*animals-nature: animal-amphibian, animal-bird,/,
    );
  });

  it('the base is the first code point, one for man, woman and person', () => {
    expect(baseOf(emoji('1F3C3-200D-2640-FE0F'))).toBe('1F3C3');
    expect(baseOf(emoji('1F468-200D-1F373'))).toBe(baseOf(emoji('1F9D1-200D-1F373')));
  });
});

describe('the split', () => {
  it('shares no base code point and no look between the sides, and is about a tenth, for all and for each group', () => {
    const looks = all.map((e) => e.hexcode);
    const groups = [undefined, ...new Set(all.map((e) => e.group))].filter((group) => group !== 'component');
    for (const group of groups) {
      const chosen = chooseEmojis(all, group ? [group] : []);
      const { train, test } = splitEmojis(chosen, looks, () => undefined);
      const bases = new Set(train.map((i) => baseOf(chosen[i]!)));
      for (const i of test) expect(bases.has(baseOf(chosen[i]!))).toBe(false);
      expect(train.length + test.length).toBe(chosen.length);
      if (!group) expect(Math.abs(test.length / chosen.length - 0.1)).toBeLessThan(0.03);
    }
  });

  it('leaves an emoji out of the test that looks like one in training', () => {
    const emojis = Array.from({ length: 100 }, (_, i) => emoji((0x1f600 + i).toString(16)));
    const different = emojis.map((e) => e.hexcode);
    const { train, test } = splitEmojis(emojis, different, () => undefined);
    expect(test.length).toBeGreaterThan(1);
    const looks = [...different];
    looks[test[0]!] = looks[train[0]!]!;
    expect(splitEmojis(emojis, looks, () => undefined)).toEqual({ train, test: test.slice(1) });
    const alike = different.map(() => 'x');
    expect(() => splitEmojis(emojis, alike, () => undefined)).toThrow('looks like one in training');
  });

  it('says so when all emojis are variants of one', () => {
    const warnings: string[] = [];
    const variants = ['1F468-1', '1F469-2', '1F9D1-3'].map(emoji);
    const { train, test } = splitEmojis(variants, ['a', 'b', 'c'], (line) => warnings.push(line));
    expect([train.length, test.length]).toEqual([2, 1]);
    expect(warnings).toEqual([expect.stringContaining('variants of one')]);
    expect(() => splitEmojis([emoji('A')], ['a'], () => undefined)).toThrow('one emoji is not enough');
  });
});

describe('rendering', () => {
  it('paints the line drawing black on white and the target in colour', async () => {
    useCache();
    const { train, test, summary } = await openDataset(asked({ groups: cats, width: 64, height: 64 }));
    expect(train.length + test.length).toBe(9);
    expect(summary).toMatch(
      /pairs for training, . held out by code point: openmoji 17\.0\.0, cat-face, line drawing → colour/,
    );
    const { real, condition, name } = await train.pair(0);
    expect(name).toBe(train.name(0));
    expect(name).toMatch(/cat/);
    const pixel = (data: Float32Array, x: number, y: number) => [0, 1, 2].map((c) => data[(c * 64 + y) * 64 + x]!);
    expect(pixel(condition, 0, 0)).toEqual([1, 1, 1]);
    expect(pixel(real, 0, 0)).toEqual([1, 1, 1]);
    const saturation = (data: Float32Array) =>
      Math.max(...Array.from({ length: 4096 }, (_, i) => Math.abs(data[i]! - data[2 * 4096 + i]!)));
    expect(saturation(condition)).toBe(0);
    expect(saturation(real)).toBeGreaterThan(0.5);
    expect(Math.min(...condition)).toBeLessThan(0.1);
    const swapped = await openDataset(asked({ groups: cats, width: 64, height: 64, direction: 'AtoB' }));
    expect(await swapped.train.pair(0)).toEqual({ name, real: condition, condition: real });
  });

  it('renders once: the second start reads one file, and gives the same', async () => {
    useCache();
    let rendered = 0;
    const onRendered = () => rendered++;
    const first = await openDataset(asked({ groups: cats, onRendered }));
    expect(rendered).toBe(9);
    const files = await readdir(at('cache', 'pixtape', 'openmoji'));
    expect(files).toEqual([expect.stringMatching(/^openmoji-17\.0\.0-16x16-[0-9a-f]{16}\.safetensors$/)]);
    const { mtimeMs } = await stat(at('cache', 'pixtape', 'openmoji', files[0]!));
    const second = await openDataset(asked({ groups: cats, onRendered }));
    expect(rendered).toBe(9);
    expect((await stat(at('cache', 'pixtape', 'openmoji', files[0]!))).mtimeMs).toBe(mtimeMs);
    for (let i = 0; i < first.train.length; i++) expect(await second.train.pair(i)).toEqual(await first.train.pair(i));
    // Another size, another choice: other files.
    await openDataset(asked({ groups: cats, width: 16, height: 32, onRendered }));
    await openDataset(asked({ groups: ['face-hat,cat-face'], onRendered }));
    expect(rendered).toBe(9 + 9 + 12);
    expect((await readdir(at('cache', 'pixtape', 'openmoji'))).length).toBe(3);
  });

  it('makes a damaged cache file again', async () => {
    useCache();
    const first = await openDataset(asked({ groups: cats }));
    const [name] = await readdir(at('cache', 'pixtape', 'openmoji'));
    const file = at('cache', 'pixtape', 'openmoji', name!);
    const good = await readFile(file);
    for (const bytes of [good.length - 10, 0]) {
      await truncate(file, bytes);
      const again = await openDataset(asked({ groups: cats }));
      expect(await again.train.pair(0)).toEqual(await first.train.pair(0));
      expect((await readFile(file)).equals(good)).toBe(true);
    }
  });

  it('renders without a cache where none can be written, and says so', async () => {
    useCache();
    const first = await openDataset(asked({ groups: cats }));
    await rm(at('cache', 'pixtape', 'openmoji'), { recursive: true });
    await writeFile(at('cache', 'pixtape', 'openmoji'), 'in the way');
    const said: string[] = [];
    const other = await openDataset(asked({ groups: cats, warn: (line) => said.push(line) }));
    expect(await other.train.pair(0)).toEqual(await first.train.pair(0));
    expect(said).toEqual([expect.stringMatching(/the next run renders the drawings again: .*openmoji could not be/)]);
  });

  it('with jitter, training pairs are cut from a rendering at 286/256 of the size; plain ones are not', async () => {
    useCache();
    const emojis = chooseEmojis(all, cats);
    const { train } = await openDataset(asked({ groups: cats, jitter: true, width: 64, height: 64 }));
    const pack = await openEmojiPack(readEmojiPackage(), emojis, 72, 72, () => {
      throw new Error('rendered again');
    });
    const { colour } = await pack.pair(emojis.findIndex((e) => e.annotation === train.name(0)));
    const { real } = await train.pair(0, new RandomStream(5));
    const places = [];
    for (let y = 0; y <= 8; y++) {
      for (let x = 0; x <= 8; x++) {
        const value = (i: number) =>
          colour.data[(Math.floor(i / 4096) * 72 + y + (Math.floor(i / 64) % 64)) * 72 + x + (i % 64)]!;
        if (real.every((v, i) => v === Math.fround(value(i) / 255))) places.push([x, y]);
      }
    }
    expect(places.length).toBe(1);
    const plain = await openDataset(asked({ groups: cats, width: 64, height: 64 }));
    expect(await train.pair(0)).toEqual(await plain.train.pair(0));
  });
});
