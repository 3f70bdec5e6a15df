import type { FileHandle } from 'node:fs/promises';
import { PixtapeError } from '../../engine/util/errors.ts';
import { readAt } from '../read_at.ts';
import { readPickle } from './pickle/pickle.ts';
import { bigEndian, MAX_PICKLE_BYTES, type StoragePlace, type TorchArchive } from './torch_archive.ts';
import { torchNames } from './torch_names.ts';

/** torch.serialization.MAGIC_NUMBER */
const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;

/**
 * Reads a file as `torch.save` wrote it before PyTorch 1.6: pickles of a magic number, a version, the machine, the
 * saved value, and the storages' keys; then for each key the count of elements (8 bytes) and the elements.
 * @param size bytes of the file
 * @throws PixtapeError if it is another pickle, damaged, or names something unknown
 */
export async function readTorchLegacy(handle: FileHandle, size: number, path: string): Promise<TorchArchive> {
  const names = torchNames(path);
  const bytes = await readAt(handle, 0, Math.min(size, MAX_PICKLE_BYTES), path);
  let at = 0;
  const next = (): unknown => {
    const { value, end } = readPickle(bytes, at, names, path);
    at = end;
    return value;
  };
  if (next() !== MAGIC) {
    throw new PixtapeError(
      `${path} is a pickle of Python, but not of torch.save`,
      "Save the weights from PyTorch: torch.save(net.state_dict(), 'weights.pth')",
    );
  }
  const version = next();
  const machine = next();
  if (version !== PROTOCOL || !(machine instanceof Map)) {
    throw new PixtapeError(`${path} is of an unknown version of torch.save`, 'In PyTorch: load it and save it again.');
  }
  if (machine.get('little_endian') === false) throw bigEndian(path);
  const root = next();
  const keys = next();
  const short = (what: string) =>
    new PixtapeError(`${path} is cut short or damaged: ${what}`, 'Copy or download it again.');
  if (!Array.isArray(keys)) throw short('it does not say which storages follow');
  const storages = new Map<string, StoragePlace>();
  for (const key of keys) {
    const width = names.widths.get(String(key));
    if (width === undefined) throw short('it holds a storage that its pickle does not name');
    if (at + 8 > size) throw short('it ends before its last storage');
    const head = await readAt(handle, at, 8, path);
    const elements = Number(new DataView(head.buffer).getBigInt64(0, true));
    const start = at + 8;
    const length = elements * width;
    if (!(elements >= 0) || start + length > size) throw short('a storage in it ends beyond the file');
    storages.set(String(key), { length, start: async () => start });
    at = start + length;
  }
  return { root, storages };
}
