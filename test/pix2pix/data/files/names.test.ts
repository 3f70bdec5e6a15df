import { describe, expect, it } from 'vitest';
import { type FileTree, findPairsIn, type TreeEntry } from '../../../../src/pix2pix/data/files/find_pairs.ts';
import { matchNames } from '../../../../src/pix2pix/data/files/match_names.ts';
import { DroppedTree } from '../../../../src/web/train/sources/file_tree.ts';

/** Folders and files by their paths, without a disk. */
function treeOf(paths: readonly string[]): FileTree {
  return {
    async list(folder) {
      const inside = paths.flatMap((path) => (path.startsWith(`${folder}/`) ? [path.slice(folder.length + 1)] : []));
      const entries = new Map<string, TreeEntry>();
      for (const path of inside) {
        const [name = '', more] = path.split('/');
        entries.set(name, { name, kind: more === undefined ? 'file' : 'folder' });
      }
      return [...entries.values()];
    },
    join: (folder, name) => `${folder}/${name}`,
    relative: (folder, path) => path.slice(folder.length + 1),
  };
}

const layout = (...paths: string[]) => findPairsIn(treeOf(paths.map((path) => `set/${path}`)), 'set');

describe('names with the same meaning are matched', () => {
  const nfc = ['café', 'naïve'].map((name) => name.normalize('NFC'));
  const nfd = nfc.map((name) => name.normalize('NFD'));
  it.for<[string, string[], string[], string]>([
    ['equal', ['1', '2'], ['1', '2'], ''],
    ['accents of macOS', nfd, nfc, ''],
    ['blanks at an end', ['1 ', '2'], ['1', '2  '], ''],
    ['case', ['IMG_1', 'Img_2'], ['img_1', 'img_2'], 'letters’ case'],
    ['zeros', ['0', '7', '10'], ['000', '007', '010'], 'zeros before numbers'],
    ['endings on both sides', ['100_A', '101_A'], ['100_B', '101_B'], '“_A” and “_B”'],
    ['an ending on one side', ['0', '1', '12'], ['0_mask', '1_mask', '12_mask'], '“_mask”'],
    ['endings without a sign between', ['100A', '101A'], ['100B', '101B'], '“A” and “B”'],
    ['beginnings', ['photo-1', 'photo-2'], ['label-1', 'label-2'], '“photo-” and “label-”'],
    ['words with endings', ['cat_real', 'dog_real'], ['cat_sketch', 'dog_sketch'], '“_real” and “_sketch”'],
    ['zeros and endings', ['1', '12'], ['0001_fake', '0012_fake'], '“_fake” and zeros before numbers'],
    [
      'case, zeros and endings',
      ['IMG1', 'IMG2'],
      ['img_01_b', 'img_02_b'],
      '“IMG” and “img_ … _b” and zeros before numbers',
    ],
  ])('%s', ([, left, right, without]) => {
    const { pairs, without: overlooked } = matchNames(left, right);
    expect([...pairs]).toEqual(left.map((name, i) => [name, right[i]]));
    expect(overlooked).toBe(without);
  });

  it('more files on one side do not prevent it', () => {
    const { pairs, without } = matchNames(['1_A', '2_A'], ['1_B', '2_B', '3_B']);
    expect([...pairs]).toEqual([
      ['1_A', '1_B'],
      ['2_A', '2_B'],
    ]);
    expect(without).toBe('“_A” and “_B”');
  });

  it('ambiguous matches are not made', () => {
    expect(matchNames(['a', 'A'], ['b', 'B']).pairs.size).toBe(0);
    expect(matchNames(['1', '01'], ['001']).pairs.size).toBe(0);
  });

  it('the description says what was ignored, and the pair has the normalised left name', async () => {
    const found = await layout('A/é1_A.png'.normalize('NFD'), 'A/é2_A.png', 'B/é1_B.jpg', 'B/é2_B.jpg');
    expect(found.faults).toEqual([]);
    expect(found.description).toBe('A and B apart in A, B; names matched without “_A” and “_B”');
    expect(found.train.map(({ name }) => name).sort()).toEqual(['é1_A'.normalize('NFC'), 'é2_A'.normalize('NFC')]);
  });
});

describe('names that do not match', () => {
  it('a few are listed one by one', async () => {
    const { faults } = await layout('A/1.png', 'A/2.png', 'B/1.png', 'B/3.png');
    expect(faults.map(({ path, reason }) => `${path} ${reason}`)).toEqual([
      'set/A/2.png has no partner in set/B',
      'set/B/3.png has no partner in set/A',
    ]);
  });

  it('many are summarised, with examples of both sides', async () => {
    const files = Array.from({ length: 50 }, (_, i) => [`A/photo${i}.png`, `B/x${i * 7 + 1000}.png`]).flat();
    const { faults, train } = await layout(...files);
    expect(train.length).toBe(0);
    expect(faults.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^set\/A has 50 of 50 pictures without a partner in set\/B: photo0, …\n.*like x1000\.png/),
      expect.stringMatching(/^set\/B has 50 of 50 pictures without a partner in set\/A: x1000, …\n.*like photo0\.png/),
    ]);
  });
});

describe('folders', () => {
  it.for(['test', 'val', 'validation', 'Valid', 'Testing'])('%s/ holds what is for testing', async (name) => {
    const { test, description } = await layout('train/1.png', `${name}/2.png`);
    expect(test?.map((pair) => pair.name)).toEqual(['2']);
    expect(description).toBe(`side by side in train, ${name}`);
    const apart = await layout('A/train/1.png', 'B/train/1.png', `A/${name}/2.png`, `B/${name}/2.png`);
    expect(apart.test?.length).toBe(1);
  });

  it('unused folders are reported', async () => {
    expect((await layout('1.png', '2.png', 'raw/3.png')).description).toBe(
      'side by side in . (not used: the folder raw/)',
    );
    expect((await layout('train/1.png', 'test/2.png', 'val/3.png', '4.png')).description).toBe(
      'side by side in train, test (not used: 1 picture, the folder val/)',
    );
    const many = await layout('A/1.png', 'B/1.png', 'C/1.png', 'd/1.png', 'e/1.png', 'f/1.png');
    expect(many.description).toBe('A and B apart in A, B (not used: the folders C/, d/, e/ …)');
  });

  it('files of operating systems are ignored, in a folder and among dropped files', async () => {
    const system = ['__MACOSX/A/._1.png', 'A/._1.png', '@eaDir/1.png', '.DS_Store', '$RECYCLE.BIN/x.png'];
    const found = await layout('A/1.png', 'B/1.png', ...system);
    expect(found.description).toBe('A and B apart in A, B');
    const files = ['set/A/1.png', 'set/B/1.png', ...system.map((path) => `set/${path}`)];
    const tree = new DroppedTree(new Map(files.map((path) => [path, new Blob(['x'])])));
    expect(tree.root).toBe('set');
    expect((await findPairsIn(tree, tree.root)).train.length).toBe(1);
  });
});
