import { PixtapeError } from '../../../engine/util/errors.ts';
import type { FileTree, TreeEntry } from '../../../pix2pix/data/files/find_pairs.ts';
import { isHidden, READABLE, splitName } from '../../../pix2pix/data/files/formats.ts';

/** Dropped or zipped files, by their paths, as a tree of folders. */
export class DroppedTree implements FileTree {
  /** The common folder of all files. */
  readonly root: string;
  private readonly files: ReadonlyMap<string, Blob>;
  private readonly folders = new Map<string, Map<string, TreeEntry>>();

  /** @throws PixtapeError if there is no picture among them */
  constructor(files: ReadonlyMap<string, Blob>) {
    const loose = [...files.keys()].some((path) => !path.includes('/'));
    this.files = loose ? new Map([...files].map(([path, file]) => [`dropped/${path}`, file])) : files;
    for (const path of this.files.keys()) this.enter(path, 'file');
    const pictures = [...this.files.keys()].filter(isPicture);
    if (pictures.length === 0) {
      const first = [...files.keys()].slice(0, 3).join(', ');
      throw new PixtapeError(
        files.size === 0
          ? 'There is no file in it.'
          : `There is no picture among these files: ${first}${files.size > 3 ? ' …' : ''}`,
        'Drop a folder or a zip of pairs: pictures side by side, or folders A and B.',
      );
    }
    this.root = commonFolder(pictures);
  }

  async list(folder: string): Promise<TreeEntry[]> {
    const entries = this.folders.get(folder);
    if (!entries) throw new PixtapeError(`there is no folder ${folder}`);
    return [...entries.values()];
  }

  join(folder: string, name: string): string {
    return `${folder}/${name}`;
  }

  relative(folder: string, path: string): string {
    return path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : '';
  }

  file(path: string): Blob {
    const found = this.files.get(path);
    if (!found) throw new Error(`${path} was not dropped`);
    return found;
  }

  /** Enters a file or folder in its parent, and that in its own. */
  private enter(path: string, kind: TreeEntry['kind']): void {
    const slash = path.lastIndexOf('/');
    const folder = path.slice(0, Math.max(0, slash));
    const known = this.folders.get(folder);
    const entries = known ?? new Map<string, TreeEntry>();
    const name = path.slice(slash + 1);
    entries.set(name, { name, kind });
    if (known) return;
    this.folders.set(folder, entries);
    if (folder !== '') this.enter(folder, 'folder');
  }
}

/** Excludes hidden files and what macOS adds to archives. */
export function isPicture(path: string): boolean {
  if (path.split('/').some(isHidden)) return false;
  return READABLE.has(splitName(path).extension.toLowerCase());
}

/** The deepest common folder, unless it is only one part of a data set. */
function commonFolder(paths: readonly string[]): string {
  const folders = paths.map((path) => path.split('/').slice(0, -1));
  const common = folders.reduce((a, b) => a.slice(0, prefixLength(a, b)));
  if (/^(train|test|val|a|b)$/i.test(common.at(-1) ?? '') && common.length > 1) common.pop();
  return common.join('/');
}

function prefixLength(a: readonly string[], b: readonly string[]): number {
  const differs = a.findIndex((part, i) => part !== b[i]);
  return differs < 0 ? a.length : differs;
}
