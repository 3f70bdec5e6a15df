import { PixtapeError } from '../../../engine/util/errors.ts';
import { BadFile, READABLE, splitName, UNREADABLE } from './formats.ts';

/** Files of one pair: one picture with both halves (A left, B right), or a picture for each side. */
export type PairFiles = { name: string } & ({ both: string } | { a: string; b: string });

export interface Layout {
  train: PairFiles[];
  /** The pairs of a test (or val) folder, where there is one. */
  test: PairFiles[] | undefined;
  /** How they were found, for the user. */
  description: string;
  /** Files that belong to no pair, and why. */
  faults: BadFile[];
}

/** Folders and files, wherever they are: on a disk, or dropped on a page. */
export interface FileTree {
  /** What lies in a folder, in any order. @throws PixtapeError when there is no such folder, or it cannot be read. */
  list(folder: string): Promise<TreeEntry[]>;
  join(folder: string, name: string): string;
  relative(folder: string, path: string): string;
}

export interface TreeEntry {
  name: string;
  /** `nothing`: a link whose target is gone. */
  kind: 'file' | 'folder' | 'other' | 'nothing';
}

interface Folder {
  path: string;
  /** Picture files by name, sorted. */
  pictures: string[];
  /** Sub-folders: lower-case name → path, and their names as they are written. */
  folders: Map<string, string>;
  names: string[];
  faults: BadFile[];
  others: number;
}

interface Parts {
  train: Found;
  test?: Found;
  /** Pictures beside the folders that are used. */
  stray?: number;
}

interface Found {
  pairs: PairFiles[];
  faults: BadFile[];
  where: string[];
}

const LAYOUTS =
  'Expected are side-by-side pictures in it or in its train/ (and test/ or val/) folders, or folders A/ and B/ with files of equal names.';

/**
 * Finds the pairs of a folder, laid out as pix2pix users have them:
 *
 *     DIR/*.jpg                  side by side: A is the left half, B the right one
 *     DIR/train, DIR/test|val    the same, already split
 *     DIR/A, DIR/B               a file for each side, matched by name without extension
 *     DIR/A/train, DIR/B/train   … split below (test or val likewise)
 *     DIR/train/A, DIR/train/B   … or above
 *     DIR/trainA, DIR/trainB     … or in the name
 *
 * Names of folders may be in either case; hidden files and files that are no pictures are passed over.
 * @param root DIR, or the two folders of the sides
 * @throws PixtapeError when there is no such folder, or no picture where one should be.
 */
export async function findPairsIn(tree: FileTree, root: string | { a: string; b: string }): Promise<Layout> {
  const finder = new Finder(tree);
  const sides = typeof root === 'string' ? finder.locate(root) : finder.locateSides(root.a, root.b);
  const { train, test, stray = 0 } = await sides;
  const parts = test ? [train, test] : [train];
  const beside = parts.some(({ pairs }) => pairs.some((pair) => 'both' in pair));
  const shown = (path: string) => (typeof root === 'string' ? tree.relative(root, path) || '.' : path);
  const where = parts.flatMap((part) => part.where.map(shown));
  const unused = stray > 0 ? ` (${stray} picture${stray === 1 ? '' : 's'} beside ${where[0]} not used)` : '';
  return {
    train: train.pairs,
    test: test?.pairs,
    description: `${beside ? 'side by side' : 'A and B apart'} in ${where.join(', ')}${unused}`,
    faults: parts.flatMap((part) => part.faults),
  };
}

class Finder {
  private readonly tree: FileTree;

  constructor(tree: FileTree) {
    this.tree = tree;
  }

  async locate(root: string): Promise<Parts> {
    const { folders, pictures } = await this.list(root);
    const stray = pictures.length;
    const inTrain = folders.get('train');
    if (inTrain) {
      const held = folders.get('test') ?? folders.get('val');
      return { train: await this.pairsIn(inTrain), stray, ...(held ? { test: await this.pairsIn(held) } : {}) };
    }
    if (folders.has('traina') || folders.has('trainb')) {
      return { ...(await this.byPart((part) => [folders.get(`${part}a`), folders.get(`${part}b`)])), stray };
    }
    const [a, b] = [folders.get('a'), folders.get('b')];
    return a && b ? { ...(await this.locateSides(a, b)), stray } : { train: await this.pairsIn(root) };
  }

  /** A folder for each side, split below or not. */
  async locateSides(a: string, b: string): Promise<Parts> {
    const [left, right] = [await this.list(a), await this.list(b)];
    if (!left.folders.has('train') && !right.folders.has('train')) return { train: this.match(left, right) };
    return this.byPart((part) => [left.folders.get(part), right.folders.get(part)]);
  }

  private async byPart(sides: (part: string) => [string | undefined, string | undefined]): Promise<Parts> {
    const part = ['test', 'val'].find((name) => sides(name).some(Boolean));
    const train = await this.apart(...sides('train'));
    return part ? { train, test: await this.apart(...sides(part)) } : { train };
  }

  /** A folder with A/ and B/ in it, or with side-by-side pictures. */
  private async pairsIn(path: string): Promise<Found> {
    const folder = await this.list(path);
    const [a, b] = [folder.folders.get('a'), folder.folders.get('b')];
    if (a && b) return this.match(await this.list(a), await this.list(b));
    if (folder.pictures.length + folder.faults.length === 0) {
      if (a || b) throw new PixtapeError(`${path} has ${a ? 'A/' : 'B/'} but no ${a ? 'B/' : 'A/'}`, LAYOUTS);
      throw empty(folder);
    }
    const pairs = folder.pictures.map((file) => ({ name: splitName(file).stem, both: this.tree.join(path, file) }));
    return { pairs, faults: folder.faults, where: [path] };
  }

  private async apart(a: string | undefined, b: string | undefined): Promise<Found> {
    if (a && b) return this.match(await this.list(a), await this.list(b));
    const [there, missing] = a ? ['A', 'B'] : ['B', 'A'];
    throw new PixtapeError(`${a ?? b} is for side ${there}, but there is no such folder for ${missing}`, LAYOUTS);
  }

  private match(a: Folder, b: Folder): Found {
    for (const folder of [a, b]) {
      if (folder.pictures.length + folder.faults.length === 0) throw empty(folder);
    }
    const faults = [...a.faults, ...b.faults];
    const [left, right] = [this.byName(a, faults), this.byName(b, faults)];
    const pairs: PairFiles[] = [];
    for (const [name, file] of left) {
      const partner = right.get(name);
      if (partner) pairs.push({ name, a: file, b: partner });
      else faults.push(withoutPartner(file, name, b.path));
    }
    for (const [name, file] of right) if (!left.has(name)) faults.push(withoutPartner(file, name, a.path));
    return { pairs, faults, where: [a.path, b.path] };
  }

  /** The folder's pictures: name without extension → path. */
  private byName(folder: Folder, faults: BadFile[]): Map<string, string> {
    const first = new Map<string, string>();
    for (const file of folder.pictures) {
      const { stem } = splitName(file);
      const before = first.get(stem);
      if (before === undefined) first.set(stem, file);
      else {
        const path = this.tree.join(folder.path, file);
        faults.push(new BadFile(path, `has the same name as ${before}`, 'Rename or remove one of them.'));
      }
    }
    return new Map([...first].map(([stem, file]) => [stem, this.tree.join(folder.path, file)]));
  }

  private async list(path: string): Promise<Folder> {
    const entries = await this.tree.list(path);
    const folder: Folder = { path, pictures: [], folders: new Map(), names: [], faults: [], others: 0 };
    // By code units: the same order on every machine, whatever its language.
    for (const { name, kind } of entries.sort((x, y) => (x.name < y.name ? -1 : 1))) {
      if (name.startsWith('.')) continue;
      const extension = splitName(name).extension.toLowerCase();
      const fault = (reason: string, advice: string) =>
        folder.faults.push(new BadFile(this.tree.join(path, name), reason, advice));
      if (kind === 'folder') {
        folder.folders.set(name.toLowerCase(), this.tree.join(path, name));
        folder.names.push(name);
      } else if (UNREADABLE.has(extension)) {
        fault(`is in a format that is not supported (${extension})`, 'Convert it to PNG or JPEG.');
      } else if (!READABLE.has(extension)) folder.others++;
      else if (kind === 'file') folder.pictures.push(name);
      else fault(kind === 'other' ? 'is not a file' : 'is a link to nothing', 'Remove it, or put the picture there.');
    }
    return folder;
  }
}

function withoutPartner(path: string, name: string, folder: string): BadFile {
  return new BadFile(path, `has no partner in ${folder}`, `Add a picture named ${name} there, or remove this one.`);
}

function empty({ path, names, others }: Folder): PixtapeError {
  const holds = [
    ...(others > 0 ? [`${others} other file${others === 1 ? '' : 's'}`] : []),
    ...(names.length > 0 ? [`the folders ${names.slice(0, 5).join(', ')}${names.length > 5 ? ' …' : ''}`] : []),
  ];
  const but = holds.length > 0 ? ` (it has ${holds.join(' and ')})` : ' (it is empty)';
  return new PixtapeError(`there is no picture in ${path}${but}`, LAYOUTS);
}
