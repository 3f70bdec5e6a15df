import { PixtapeError } from '../../../engine/util/errors.ts';
import { BadFile, isHidden, READABLE, splitName, UNREADABLE } from './formats.ts';
import { matchNames, sameText } from './match_names.ts';

/** Files of one pair: one picture with both halves (A left, B right), or one picture per side. */
export type PairFiles = { name: string } & ({ both: string } | { a: string; b: string });

export interface Layout {
  train: PairFiles[];
  /** The pairs of a test (or val) folder, if there is one. */
  test: PairFiles[] | undefined;
  /** Tells the user how they were found. */
  description: string;
  /** Files that belong to no pair, and why. */
  faults: BadFile[];
}

/** A tree of folders and files: on disk, or dropped on a page. */
export interface FileTree {
  /** Lists a folder, in any order. @throws PixtapeError if there is no such folder, or it cannot be read */
  list(folder: string): Promise<TreeEntry[]>;
  join(folder: string, name: string): string;
  relative(folder: string, path: string): string;
}

export interface TreeEntry {
  name: string;
  /** `nothing`: a broken link. */
  kind: 'file' | 'folder' | 'other' | 'nothing';
}

interface Folder {
  path: string;
  /** Picture files by name, sorted. */
  pictures: string[];
  /** Subfolders: lower-case name → path, and their original names. */
  folders: Map<string, string>;
  names: string[];
  faults: BadFile[];
  others: number;
}

interface Parts {
  train: Found;
  test?: Found;
  /** What is not used: counts of pictures, names of folders. */
  stray?: string[];
}

interface Found {
  pairs: PairFiles[];
  faults: BadFile[];
  where: string[];
  /** Differences that were ignored in matching names. */
  without?: string;
  /** Folders beside the pictures. */
  stray?: string[];
}

/** Names for a folder of pairs that training never sees. */
export const TEST_FOLDERS = ['test', 'val', 'validation', 'valid', 'testing', 'eval'];
/** How many files without a partner are listed one by one; more are reported together. */
const MOST_LISTED = 3;

const LAYOUTS =
  'Expected are side-by-side pictures in it or in its train/ (and test/ or val/) folders, or folders A/ and B/ with files of equal names.';

/**
 * Finds the pairs of a folder, in the layouts that pix2pix users have:
 *
 *     DIR/*.jpg                  side by side: A is the left half, B the right one
 *     DIR/train, DIR/test|val    the same, already split
 *     DIR/A, DIR/B               a file for each side, matched by name without extension
 *     DIR/A/train, DIR/B/train   … split below (test or val likewise)
 *     DIR/train/A, DIR/train/B   … or above
 *     DIR/trainA, DIR/trainB     … or in the name
 *
 * Names of folders may be in either case. Hidden files and other files than pictures are skipped.
 * @param root DIR, or the folders of the two sides
 * @throws PixtapeError if there is no such folder, or no picture where one should be
 */
export async function findPairsIn(tree: FileTree, root: string | { a: string; b: string }): Promise<Layout> {
  const finder = new Finder(tree);
  const sides = typeof root === 'string' ? finder.locate(root) : finder.locateSides(root.a, root.b);
  const { train, test, stray = [] } = await sides;
  const parts = test ? [train, test] : [train];
  const beside = parts.some(({ pairs }) => pairs.some((pair) => 'both' in pair));
  const shown = (path: string) => (typeof root === 'string' ? tree.relative(root, path) || '.' : path);
  const where = parts.flatMap((part) => part.where.map(shown));
  const unused = [...stray, ...parts.flatMap((part) => part.stray ?? [])];
  const beyond = unused.length > 0 ? ` (not used: ${unused.join(', ')})` : '';
  const overlooked = [...new Set(parts.flatMap((part) => part.without || []))];
  const matched = overlooked.length > 0 ? `; names matched without ${overlooked.join(', ')}` : '';
  return {
    train: train.pairs,
    test: test?.pairs,
    description: `${beside ? 'side by side' : 'A and B apart'} in ${where.join(', ')}${beyond}${matched}`,
    faults: parts.flatMap((part) => part.faults),
  };
}

class Finder {
  private readonly tree: FileTree;

  constructor(tree: FileTree) {
    this.tree = tree;
  }

  async locate(root: string): Promise<Parts> {
    const folder = await this.list(root);
    const { folders } = folder;
    const inTrain = folders.get('train');
    if (inTrain) {
      const part = TEST_FOLDERS.find((name) => folders.has(name));
      const held = part === undefined ? undefined : folders.get(part);
      const stray = beside(folder, ['train', ...(part === undefined ? [] : [part])]);
      return { train: await this.pairsIn(inTrain), stray, ...(held ? { test: await this.pairsIn(held) } : {}) };
    }
    if (folders.has('traina') || folders.has('trainb')) {
      const parts = await this.byPart((part) => [folders.get(`${part}a`), folders.get(`${part}b`)]);
      const used = ['train', ...TEST_FOLDERS].flatMap((part) => [`${part}a`, `${part}b`]);
      return { ...parts, stray: beside(folder, used) };
    }
    const [a, b] = [folders.get('a'), folders.get('b')];
    if (!(a && b)) return { train: await this.pairsIn(root) };
    return { ...(await this.locateSides(a, b)), stray: beside(folder, ['a', 'b']) };
  }

  /** One folder per side, with or without subfolders for the parts. */
  async locateSides(a: string, b: string): Promise<Parts> {
    const [left, right] = [await this.list(a), await this.list(b)];
    if (!left.folders.has('train') && !right.folders.has('train')) return { train: this.match(left, right) };
    return this.byPart((part) => [left.folders.get(part), right.folders.get(part)]);
  }

  private async byPart(sides: (part: string) => [string | undefined, string | undefined]): Promise<Parts> {
    const part = TEST_FOLDERS.find((name) => sides(name).some(Boolean));
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
    return { pairs, faults: folder.faults, where: [path], stray: beside({ ...folder, pictures: [] }, []) };
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
    const { pairs: names, without } = matchNames([...left.keys()], [...right.keys()]);
    const partners = new Set(names.values());
    const pairs = [...names].map(([name, partner]): PairFiles => {
      return { name: sameText(name), a: left.get(name) as string, b: right.get(partner) as string };
    });
    const alone = [left, right].map((side, i) =>
      [...side].filter(([name]) => (i === 0 ? !names.has(name) : !partners.has(name))),
    );
    faults.push(...this.withoutPartners(alone[0] ?? [], left.size, a, b));
    faults.push(...this.withoutPartners(alone[1] ?? [], right.size, b, a));
    return { pairs, faults, where: [a.path, b.path], without };
  }

  /** One fault per file, or a single one if there are many. */
  private withoutPartners(alone: readonly [string, string][], of: number, folder: Folder, other: Folder): BadFile[] {
    if (alone.length <= MOST_LISTED) return alone.map(([name, path]) => withoutPartner(path, name, other.path));
    const [[name] = ['']] = alone;
    const [theirs = ''] = other.pictures;
    const reason = `has ${alone.length} of ${of} pictures without a partner in ${other.path}: ${name}, …`;
    const advice = `Names must be equal, except for parts that all names of a folder share; there they look like ${theirs}.`;
    return [new BadFile(folder.path, reason, advice)];
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
    // Sort by code units, for the same order on every machine, whatever its language.
    for (const { name, kind } of entries.sort((x, y) => (x.name < y.name ? -1 : 1))) {
      if (isHidden(name)) continue;
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

/** Describes what is in a folder but not used. */
function beside({ pictures, names }: Folder, used: readonly string[]): string[] {
  const folders = names.filter((name) => !used.includes(name.toLowerCase()));
  const many =
    folders.length > 3 ? `${folders.slice(0, 3).join('/, ')}/ …` : folders.map((name) => `${name}/`).join(', ');
  return [
    ...(pictures.length > 0 ? [`${pictures.length} picture${pictures.length === 1 ? '' : 's'}`] : []),
    ...(folders.length > 0 ? [`${folders.length === 1 ? 'the folder' : 'the folders'} ${many}`] : []),
  ];
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
