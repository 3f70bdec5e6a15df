/** A file and its path in the dropped or chosen folder: `facades/train/1.jpg`. */
export interface PlacedFile {
  path: string;
  file: File;
}

/**
 * Lists all dropped files, including those in folders. Call it within the event: the browser discards the data after.
 */
export function filesOf(data: DataTransfer): Promise<PlacedFile[]> {
  const entries = [...data.items].flatMap((item) => item.webkitGetAsEntry?.() ?? []);
  if (entries.length === 0) return Promise.resolve(placed([...data.files]));
  return Promise.all(entries.map(walk)).then((found) => found.flat());
}

/** Files from a dialog. */
export function placed(files: readonly File[]): PlacedFile[] {
  return files.map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

async function walk(entry: FileSystemEntry): Promise<PlacedFile[]> {
  // Paths begin with a slash, although there is no root.
  const path = entry.fullPath.replace(/^\//, '');
  if (isFile(entry)) {
    const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
    return [{ path, file }];
  }
  if (!isFolder(entry)) return [];
  const reader = entry.createReader();
  const found: PlacedFile[] = [];
  // The reader returns a folder in chunks; an empty one ends it.
  for (;;) {
    const portion = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (portion.length === 0) return found;
    for (const files of await Promise.all(portion.map(walk))) found.push(...files);
  }
}

/** Not by `instanceof`: Chrome does not expose these classes. */
const isFile = (entry: FileSystemEntry): entry is FileSystemFileEntry => entry.isFile;
const isFolder = (entry: FileSystemEntry): entry is FileSystemDirectoryEntry => entry.isDirectory;
