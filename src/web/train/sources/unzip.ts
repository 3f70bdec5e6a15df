import { unzipSync } from 'fflate';
import { PixtapeError } from '../../../engine/util/errors.ts';
import { isPicture } from './file_tree.ts';

/** An archive's entry for one file. */
interface ZipEntry {
  name: string;
  encrypted: boolean;
  /** 0 stored, 8 Deflate. */
  method: number;
  packed: number;
  size: number;
}

/** Compression methods other than Deflate, which few programs use by default. (APPNOTE.TXT 4.4.5) */
const METHODS: Readonly<Record<number, string>> = {
  9: 'Deflate64 (Windows takes it for large files)',
  12: 'bzip2',
  14: 'LZMA',
  93: 'Zstandard',
  95: 'XZ',
  98: 'PPMd',
  99: 'AES encryption',
};
const OTHER_ARCHIVES: readonly [bytes: string, what: string][] = [
  ['Rar!', 'a RAR archive'],
  ['7z\xbc\xaf', 'a 7-Zip archive'],
  ['\x1f\x8b', 'packed by gzip'],
];
/** Deflate's largest compression ratio. */
const MOST_PER_BYTE = 1032;
const MOST_BYTES = 2 ** 31;

/**
 * Reads the pictures of a zip archive, by their paths. Backslashes, as some Windows programs write, become slashes.
 * @throws PixtapeError if it is not a zip archive, damaged, encrypted, or compressed with an unsupported method
 */
export function unzip(archive: Uint8Array, file: string): Map<string, Uint8Array<ArrayBuffer>> {
  const entries = listZip(archive, file).filter(({ name }) => isPicture(name));
  for (const entry of entries) checkEntry(entry, file);
  const total = entries.reduce((sum, { size }) => sum + size, 0);
  if (total > MOST_BYTES)
    throw new PixtapeError(`${file} holds more than 2 GiB of pictures`, 'Drop the folder itself.');
  try {
    const found = unzipSync(archive, { filter: ({ name }) => isPicture(withSlashes(name)) });
    const named = Object.entries(found).map(([name, bytes]) => [withSlashes(name), bytes] as const);
    return new Map(named as [string, Uint8Array<ArrayBuffer>][]);
  } catch (cause) {
    throw damaged(file, cause);
  }
}

function checkEntry({ name, encrypted, method, packed, size }: ZipEntry, file: string): void {
  if (encrypted) {
    throw new PixtapeError(`${file} is encrypted (${name})`, 'Unpack it with its password, and drop the folder.');
  }
  if (method !== 0 && method !== 8) {
    const how = METHODS[method] ?? `method ${method}`;
    throw new PixtapeError(
      `${file} is packed by ${how}, which is not read here (${name})`,
      'Unpack it and drop the folder, or pack it again with Deflate.',
    );
  }
  if (size > (method === 0 ? packed : MOST_PER_BYTE * (packed + 1))) {
    throw damaged(file, new Error(`${name} is said to hold more than it can`));
  }
}

const withSlashes = (name: string): string => name.replaceAll('\\', '/');

const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
const ENTRY = 0x02014b50;

/** Reads the central directory at the archive's end. */
function listZip(archive: Uint8Array, file: string): ZipEntry[] {
  const other = OTHER_ARCHIVES.find(([bytes]) => [...bytes].every((c, i) => archive[i] === c.charCodeAt(0)));
  if (other) throw new PixtapeError(`${file} is ${other[1]}, not a zip`, 'Unpack it and drop the folder.');
  const view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength);
  try {
    let { at, count } = findList(view);
    const entries: ZipEntry[] = [];
    for (; count > 0; count--) {
      if (view.getUint32(at, true) !== ENTRY) throw new Error('its list of files is cut short');
      const [flags, method] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)];
      const [packed, size] = [view.getUint32(at + 20, true), view.getUint32(at + 24, true)];
      const [name, extra, comment] = [28, 30, 32].map((place) => view.getUint16(at + place, true)) as [
        number,
        number,
        number,
      ];
      // Bit 11 means UTF-8. Older archives use their system's code page, of which only ASCII is universal.
      const text = new TextDecoder((flags & 0x800) === 0 ? 'latin1' : 'utf-8');
      const bytes = archive.subarray(at + 46, at + 46 + name);
      entries.push({ name: withSlashes(text.decode(bytes)), encrypted: (flags & 1) === 1, method, packed, size });
      at += 46 + name + extra + comment;
    }
    return entries;
  } catch (cause) {
    throw damaged(file, cause);
  }
}

/** Finds where the directory begins and how many files it has. At most a comment of 64 kB follows it. */
function findList(view: DataView): { at: number; count: number } {
  const first = Math.max(0, view.byteLength - 22 - 0xffff);
  let end = view.byteLength - 22;
  while (end >= first && view.getUint32(end, true) !== END) end--;
  if (end < first) throw new Error('its end is missing');
  const [count, at] = [view.getUint16(end + 10, true), view.getUint32(end + 16, true)];
  if ((count !== 0xffff && at !== 0xffffffff) || end < 20 || view.getUint32(end - 20, true) !== LOCATOR_64) {
    return { at, count };
  }
  const large = Number(view.getBigUint64(end - 12, true));
  if (view.getUint32(large, true) !== END_64) throw new Error('its end is damaged');
  return { at: Number(view.getBigUint64(large + 48, true)), count: Number(view.getBigUint64(large + 32, true)) };
}

function damaged(file: string, cause: unknown): PixtapeError {
  return new PixtapeError(
    `${file} is no zip archive, or a damaged one (${(cause as Error).message})`,
    'Pack it again, or drop the folder itself.',
    { cause },
  );
}
