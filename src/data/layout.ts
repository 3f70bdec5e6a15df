import { readdir, stat } from 'node:fs/promises';
import { join, parse, relative } from 'node:path';
import { PixtapeError } from '../util/errors.ts';
import { BadFile, READABLE, UNREADABLE } from './decode.ts';

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

interface Folder {
  path: string;
  /** Picture files by name, sorted. */
  pictures: string[];
  /** Sub-folders: lower-case name → path. */
  folders: Map<string, string>;
  faults: BadFile[];
  others: number;
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
export async function findPairs(root: string | { a: string; b: string }): Promise<Layout> {
  const { train, test, stray = 0 } = typeof root === 'string' ? await locate(root) : await locateSides(root.a, root.b);
  const parts = test ? [train, test] : [train];
  const beside = parts.some(({ pairs }) => pairs.some((pair) => 'both' in pair));
  const shown = (path: string) => (typeof root === 'string' ? relative(root, path) || '.' : path);
  const where = parts.flatMap((part) => part.where.map(shown));
  const unused = stray > 0 ? ` (${stray} picture${stray === 1 ? '' : 's'} beside ${where[0]} not used)` : '';
  return {
    train: train.pairs,
    test: test?.pairs,
    description: `${beside ? 'side by side' : 'A and B apart'} in ${where.join(', ')}${unused}`,
    faults: parts.flatMap((part) => part.faults),
  };
}

async function locate(root: string): Promise<Parts> {
  const { folders, pictures } = await list(root);
  const stray = pictures.length;
  const inTrain = folders.get('train');
  if (inTrain) {
    const held = folders.get('test') ?? folders.get('val');
    return { train: await pairsIn(inTrain), stray, ...(held ? { test: await pairsIn(held) } : {}) };
  }
  if (folders.has('traina') || folders.has('trainb')) {
    return { ...(await byPart((part) => [folders.get(`${part}a`), folders.get(`${part}b`)])), stray };
  }
  const [a, b] = [folders.get('a'), folders.get('b')];
  return a && b ? { ...(await locateSides(a, b)), stray } : { train: await pairsIn(root) };
}

/** A folder for each side, split below or not. */
async function locateSides(a: string, b: string): Promise<Parts> {
  const [left, right] = [await list(a), await list(b)];
  if (!left.folders.has('train') && !right.folders.has('train')) return { train: match(left, right) };
  return byPart((part) => [left.folders.get(part), right.folders.get(part)]);
}

async function byPart(sides: (part: string) => [string | undefined, string | undefined]): Promise<Parts> {
  const part = ['test', 'val'].find((name) => sides(name).some(Boolean));
  const train = await apart(...sides('train'));
  return part ? { train, test: await apart(...sides(part)) } : { train };
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

/** A folder with A/ and B/ in it, or with side-by-side pictures. */
async function pairsIn(path: string): Promise<Found> {
  const folder = await list(path);
  const [a, b] = [folder.folders.get('a'), folder.folders.get('b')];
  if (a && b) return match(await list(a), await list(b));
  if (folder.pictures.length + folder.faults.length === 0) {
    if (a || b) throw new PixtapeError(`${path} has ${a ? 'A/' : 'B/'} but no ${a ? 'B/' : 'A/'}`, LAYOUTS);
    throw empty(folder);
  }
  const pairs = folder.pictures.map((file) => ({ name: parse(file).name, both: join(path, file) }));
  return { pairs, faults: folder.faults, where: [path] };
}

async function apart(a: string | undefined, b: string | undefined): Promise<Found> {
  if (a && b) return match(await list(a), await list(b));
  const [there, missing] = a ? ['A', 'B'] : ['B', 'A'];
  throw new PixtapeError(`${a ?? b} is for side ${there}, but there is no such folder for ${missing}`, LAYOUTS);
}

function match(a: Folder, b: Folder): Found {
  for (const folder of [a, b]) {
    if (folder.pictures.length + folder.faults.length === 0) throw empty(folder);
  }
  const faults = [...a.faults, ...b.faults];
  const [left, right] = [byName(a, faults), byName(b, faults)];
  const pairs: PairFiles[] = [];
  for (const [name, file] of left) {
    const partner = right.get(name);
    if (partner) pairs.push({ name, a: file, b: partner });
    else faults.push(withoutPartner(file, b.path));
  }
  for (const [name, file] of right) if (!left.has(name)) faults.push(withoutPartner(file, a.path));
  return { pairs, faults, where: [a.path, b.path] };
}

function byName(folder: Folder, faults: BadFile[]): Map<string, string> {
  const files = new Map<string, string>();
  for (const file of folder.pictures) {
    const { name } = parse(file);
    const path = join(folder.path, file);
    const first = files.get(name);
    if (!first) files.set(name, path);
    else faults.push(new BadFile(path, `has the same name as ${parse(first).base}`, 'Rename or remove one of them.'));
  }
  return files;
}

function withoutPartner(path: string, folder: string): BadFile {
  const reason = `has no partner in ${folder}`;
  return new BadFile(path, reason, `Add a picture named ${parse(path).name} there, or remove this one.`);
}

async function list(path: string): Promise<Folder> {
  let entries: Awaited<ReturnType<typeof readEntries>>;
  try {
    entries = await readEntries(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') throw new PixtapeError(`there is no folder ${path}`, 'Check the path.', { cause: error });
    if (code === 'ENOTDIR') {
      throw new PixtapeError(`${path} is a file; a folder is wanted`, 'Name the folder.', { cause: error });
    }
    if (code === 'EACCES' || code === 'EPERM') {
      throw new PixtapeError(`${path} cannot be read (${code})`, 'Check its permissions.', { cause: error });
    }
    throw error;
  }
  const folder: Folder = { path, pictures: [], folders: new Map(), faults: [], others: 0 };
  // By code units: the same order on every machine, whatever its language.
  for (const entry of entries.sort((x, y) => (x.name < y.name ? -1 : 1))) {
    if (entry.name.startsWith('.')) continue;
    const kind = entry.isSymbolicLink() ? await linkedKind(join(path, entry.name)) : entry;
    const extension = parse(entry.name).ext.toLowerCase();
    const fault = (reason: string, advice: string) =>
      folder.faults.push(new BadFile(join(path, entry.name), reason, advice));
    if (kind?.isDirectory()) folder.folders.set(entry.name.toLowerCase(), join(path, entry.name));
    else if (UNREADABLE.has(extension)) {
      fault(`is in a format that is not supported (${extension})`, 'Convert it to PNG or JPEG.');
    } else if (!READABLE.has(extension)) folder.others++;
    else if (kind?.isFile()) folder.pictures.push(entry.name);
    else fault(kind ? 'is not a file' : 'is a link to nothing', 'Remove it, or put the picture there.');
  }
  return folder;
}

const readEntries = (path: string) => readdir(path, { withFileTypes: true });

const linkedKind = (path: string) => stat(path).catch(() => undefined);

function empty({ path, folders, others }: Folder): PixtapeError {
  const names = [...folders.values()].map((folder) => parse(folder).base);
  const holds = [
    ...(others > 0 ? [`${others} other file${others === 1 ? '' : 's'}`] : []),
    ...(folders.size > 0 ? [`the folders ${names.slice(0, 5).join(', ')}${names.length > 5 ? ' …' : ''}`] : []),
  ];
  const but = holds.length > 0 ? ` (it has ${holds.join(' and ')})` : ' (it is empty)';
  return new PixtapeError(`there is no picture in ${path}${but}`, LAYOUTS);
}
