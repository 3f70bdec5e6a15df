/** A file and where it was in the folder that was dropped or chosen: `facades/train/1.jpg`. */
export interface PlacedFile {
  path: string;
  file: File;
}

/** Everything that was dropped; folders are walked through. Ask at once: the browser forgets it after the event. */
export function filesOf(data: DataTransfer): Promise<PlacedFile[]> {
  const entries = [...data.items].flatMap((item) => item.webkitGetAsEntry?.() ?? []);
  if (entries.length === 0) return Promise.resolve(placed([...data.files]));
  return Promise.all(entries.map(walk)).then((found) => found.flat());
}

/** Files of a dialogue. */
export function placed(files: readonly File[]): PlacedFile[] {
  return files.map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

async function walk(entry: FileSystemEntry): Promise<PlacedFile[]> {
  // The browser starts every path with the slash of a root that is not there.
  const path = entry.fullPath.replace(/^\//, '');
  if (isFile(entry)) {
    const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
    return [{ path, file }];
  }
  if (!isFolder(entry)) return [];
  const reader = entry.createReader();
  const found: PlacedFile[] = [];
  // A folder is given in portions, until an empty one.
  for (;;) {
    const portion = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (portion.length === 0) return found;
    for (const files of await Promise.all(portion.map(walk))) found.push(...files);
  }
}

/** Not by `instanceof`: Chrome has these classes, but under names that nobody can ask for. */
const isFile = (entry: FileSystemEntry): entry is FileSystemFileEntry => entry.isFile;
const isFolder = (entry: FileSystemEntry): entry is FileSystemDirectoryEntry => entry.isDirectory;
