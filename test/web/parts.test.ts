import { describe, expect, it } from 'vitest';
import { PixtapeError } from '../../src/engine/util/errors.ts';
import { findPairsIn } from '../../src/pix2pix/data/files/find_pairs.ts';
import { adviseBrowser } from '../../src/web/page/missing.ts';
import { toPlanes, toRgba } from '../../src/web/shared/pixels.ts';
import { explain } from '../../src/web/shared/words.ts';
import { DroppedTree } from '../../src/web/train/sources/file_tree.ts';
import { Series, smooth } from '../../src/web/train/view/series.ts';

/** The page's parts that need no browser. */

describe('what to do without WebGPU', () => {
  const agents = {
    Chrome: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/110.0.0.0 Safari/537.36',
    Edge: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/110.0.0.0 Safari/537.36 Edg/110.0',
    Firefox: 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
    Safari:
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15',
  };

  it.each(Object.entries(agents))('names %s and the steps for it', (name, agent) => {
    for (const there of [false, true]) {
      const { title, steps } = adviseBrowser(agent, there, true);
      expect(title).toContain(name);
      expect(steps.length).toBeGreaterThan(0);
      const others = Object.keys(agents).filter((other) => other !== name);
      for (const other of others) expect(steps.join(' ')).not.toMatch(new RegExp(`\\b${other}\\b`));
    }
  });

  it('knows phones, unknown browsers and insecure pages', () => {
    const iPhone =
      'Mozilla/5.0 (iPhone; CPU iPhone OS 17_4) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/122 Safari/604.1';
    expect(adviseBrowser(iPhone, false, true).steps.join()).toContain('iOS');
    expect(adviseBrowser('Netscape', false, true).steps.join()).toMatch(/Chrome, Edge, Safari or Firefox/);
    expect(adviseBrowser(agents.Chrome, false, false).steps.join()).toContain('http://localhost');
  });
});

describe('dropped files as a folder', () => {
  const tree = (...paths: string[]) => new DroppedTree(new Map(paths.map((path) => [path, new Blob([path])])));

  it('finds the folder that holds the pictures', () => {
    expect(tree('facades/train/1.jpg', 'facades/test/2.jpg').root).toBe('facades');
    expect(tree('a.zip-root/facades/train/1.jpg').root).toBe('a.zip-root/facades');
    expect(tree('pairs/1.jpg', 'pairs/notes.txt', 'readme.md/x.txt').root).toBe('pairs');
    expect(tree('1.jpg', '2.jpg').root).toBe('dropped');
  });

  it('finds pairs as on a disk', async () => {
    const dropped = tree(
      'set/A/1.png',
      'set/B/1.png',
      'set/A/2.png',
      'set/B/2.jpg',
      'set/A/3.png',
      'set/.hidden/4.png',
    );
    const { train, description, faults } = await findPairsIn(dropped, dropped.root);
    expect(train.map((pair) => pair.name)).toEqual(['1', '2']);
    expect(train[1]).toMatchObject({ a: 'set/A/2.png', b: 'set/B/2.jpg' });
    expect(description).toBe('A and B apart in A, B');
    expect(faults.map(({ path, reason }) => `${path} ${reason}`)).toEqual(['set/A/3.png has no partner in set/B']);
    expect(await dropped.file('set/A/1.png').text()).toBe('set/A/1.png');
  });

  it('says what is wrong if there is no picture', () => {
    expect(() => tree('notes.txt', 'set/.hidden/1.png')).toThrow(/There is no picture among these files: notes\.txt/);
    expect(() => tree()).toThrow(/There is no file/);
  });
});

describe('series', () => {
  it('keeps the mean and the end in few points, however long it gets', () => {
    const series = new Series(2, 100);
    for (let step = 1; step <= 6400; step++) series.add(step, [step, -step]);
    expect(series.steps.length).toBeLessThan(100);
    expect(series.steps.at(-1)).toBe(6400);
    const width = 6400 / series.steps.length;
    series.steps.forEach((step, i) => {
      expect(series.column(0)[i]).toBeCloseTo(step - (width - 1) / 2, 6);
      expect(series.column(1)[i]).toBeCloseTo(-(step - (width - 1) / 2), 6);
    });
  });

  it('drops everything after a step', () => {
    const series = new Series(1);
    for (let step = 1; step <= 10; step++) series.add(step, [step]);
    series.cut(4);
    series.add(5, [50]);
    expect(series.steps).toEqual([1, 2, 3, 4, 5]);
    expect(series.column(0)).toEqual([1, 2, 3, 4, 50]);
  });

  it('smooths without shifting: a line stays a line', () => {
    const line = Array.from({ length: 500 }, (_, i) => 3 * i);
    smooth(line).forEach((value, i) => {
      expect(value).toBeCloseTo(3 * i, 9);
    });
  });
});

it('pixels are converted to planes and back', () => {
  const rgba = Uint8ClampedArray.of(0, 51, 255, 255, 102, 153, 204, 255);
  expect(toRgba(toPlanes(rgba, 3), 2)).toEqual(rgba);
  expect([...toRgba(toPlanes(rgba, 1), 2)]).toEqual([59, 59, 59, 255, 144, 144, 144, 255]);
});

it('words errors without flags, which a page does not have', () => {
  expect(explain(new PixtapeError('a file is bad', 'Save it as PNG.'))).toBe('a file is bad. Save it as PNG.');
  expect(explain(new PixtapeError('out of memory', 'Use a smaller --batch_size.'))).toBe('out of memory');
  expect(explain(new PixtapeError('all bad', 'pixtape data check DIR lists them.'))).toBe('all bad');
  expect(explain(new TypeError('x is undefined'))).toBe('TypeError: x is undefined');
});
