import { zipSync } from 'fflate';
import { expect, it } from 'vitest';
import { PixtapeError } from '../../src/engine/util/errors.ts';
import { findPairsIn } from '../../src/pix2pix/data/files/find_pairs.ts';
import { DroppedTree } from '../../src/web/train/sources/file_tree.ts';
import { unzip } from '../../src/web/train/sources/unzip.ts';

const picture = new Uint8Array(300).fill(7);
const pack = (...names: string[]) => zipSync(Object.fromEntries(names.map((name) => [name, picture])));

/** Changes bytes of the central directory at the end, and of each file's local header if they occur there, too. */
function change(archive: Uint8Array, edit: (view: DataView, at: number, inList: boolean) => void): Uint8Array {
  const copy = archive.slice();
  const view = new DataView(copy.buffer);
  for (let at = 0; at + 4 <= copy.length; at++) {
    const signature = view.getUint32(at, true);
    if (signature === 0x02014b50) edit(view, at, true);
    else if (signature === 0x04034b50) edit(view, at, false);
  }
  return copy;
}

function refusal(archive: Uint8Array): string {
  try {
    unzip(archive, 'set.zip');
  } catch (error) {
    expect(error).toBeInstanceOf(PixtapeError);
    return (error as Error).message;
  }
  throw new Error('it was taken');
}

it('backslashes of Windows separate folders', async () => {
  const found = unzip(pack('set\\A\\0.png', 'set\\B\\0.png', 'set\\B\\notes.txt', '__MACOSX\\A\\._0.png'), 'set.zip');
  expect([...found.keys()].sort()).toEqual(['set/A/0.png', 'set/B/0.png']);
  expect(found.get('set/A/0.png')).toEqual(picture);
  const tree = new DroppedTree(new Map([...found].map(([path, bytes]) => [path, new Blob([bytes])])));
  const layout = await findPairsIn(tree, tree.root);
  expect(layout.description).toBe('A and B apart in A, B');
  expect(layout.train.length).toBe(1);
});

it('encrypted archives are named, with the file', () => {
  const archive = change(pack('1.png'), (view, at, inList) => {
    const flags = at + (inList ? 8 : 6);
    view.setUint16(flags, view.getUint16(flags, true) | 1, true);
  });
  expect(refusal(archive)).toMatch(/set\.zip is encrypted \(1\.png\)\n.*password/);
});

it.for([
  [9, /packed by Deflate64/],
  [14, /packed by LZMA/],
  [99, /packed by AES encryption/],
  [77, /packed by method 77/],
] as const)('method %i is named', ([method, message]) => {
  const archive = change(pack('1.png'), (view, at, inList) => view.setUint16(at + (inList ? 10 : 8), method, true));
  expect(refusal(archive)).toMatch(message);
  // Files that are not pictures may be compressed in any way.
  const text = change(pack('1.txt'), (view, at, inList) => view.setUint16(at + (inList ? 10 : 8), method, true));
  expect(unzip(text, 'set.zip').size).toBe(0);
});

it('an impossible size is refused before allocation', () => {
  const archive = change(pack('1.png'), (view, at, inList) =>
    view.setUint32(at + (inList ? 24 : 22), 2 ** 31 + 7, true),
  );
  expect(refusal(archive)).toMatch(/set\.zip is no zip archive, or a damaged one \(1\.png is said to hold more/);
});

it('other archives, and truncated ones, are named', () => {
  expect(refusal(Buffer.from('Rar!\x1a\x07\x01\0'))).toMatch(/set\.zip is a RAR archive/);
  expect(refusal(Buffer.from('7z\xbc\xaf\x27\x1c', 'latin1'))).toMatch(/7-Zip/);
  const whole = pack('1.png', '2.png');
  for (let length = 0; length < whole.length; length += 11) {
    expect(refusal(whole.subarray(0, length)), `${length} bytes`).toMatch(/no zip archive, or a damaged one/);
  }
});

it('many files, and a comment at the end', () => {
  const names = Array.from({ length: 300 }, (_, i) => `train/${i}.png`);
  const plain = pack(...names);
  const archive = new Uint8Array(plain.length + 1000);
  archive.set(plain);
  new DataView(archive.buffer).setUint16(plain.length - 2, 1000, true);
  expect(unzip(archive, 'set.zip').size).toBe(300);
});
