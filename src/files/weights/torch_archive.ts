import type { FileHandle } from 'node:fs/promises';
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from 'yauzl';
import { PixtapeError } from '../../engine/util/errors.ts';
import { readAt } from '../read_at.ts';
import { readPickle } from './pickle/pickle.ts';
import { torchNames } from './torch_names.ts';

/** A longer pickle does not describe weights: PyTorch takes about 300 bytes per tensor. */
export const MAX_PICKLE_BYTES = 32 * 1024 * 1024;
const MAX_ENTRIES = 65_536;

/** Position of a storage's bytes in the file. */
export interface StoragePlace {
  /** Bytes. */
  length: number;
  start(): Promise<number>;
}

/** The value that `torch.save` stored, and its storages. */
export interface TorchArchive {
  root: unknown;
  storages: ReadonlyMap<string, StoragePlace>;
}

/**
 * Reads a zip archive as `torch.save` writes it since PyTorch 1.6: PREFIX/data.pkl, and PREFIX/data/KEY per storage,
 * uncompressed.
 * @param handle stays open
 * @throws PixtapeError if it is another kind of zip or damaged, or its pickle names something unknown
 */
export async function readTorchZip(handle: FileHandle, path: string): Promise<TorchArchive> {
  const { zip, entries } = await listZip(handle, path);
  const names = [...entries.keys()];
  const pickle = names.find((name) => /^[^/]*\/data\.pkl$/.test(name));
  if (pickle === undefined) throw otherZip(names, path);
  const prefix = pickle.slice(0, -'data.pkl'.length);
  if (names.includes(`${prefix}constants.pkl`)) {
    throw new PixtapeError(
      `${path} is a TorchScript program, which holds code beside its weights`,
      "In PyTorch: torch.save(torch.jit.load('FILE').state_dict(), 'weights.pth')",
    );
  }
  const place = (name: string): StoragePlace => {
    const entry = entries.get(name) as Entry;
    if (entry.compressionMethod !== 0 || entry.isEncrypted()) {
      throw damaged(path, `${name} in it is compressed or encrypted, which torch.save does not do`);
    }
    return {
      length: entry.uncompressedSize,
      start: async () => {
        const head = zip.readLocalFileHeaderPromise(entry, { minimal: true });
        return (await head.catch((error) => Promise.reject(explained(error, path)))).fileDataStart;
      },
    };
  };
  const read = async (name: string, most: number) => {
    const { length, start } = place(name);
    if (length > most) throw damaged(path, `${name} in it is ${length} bytes long`);
    return readAt(handle, await start(), length, path);
  };
  if (entries.has(`${prefix}byteorder`)) {
    const order = new TextDecoder().decode(await read(`${prefix}byteorder`, 16));
    if (order.trim() !== 'little') throw bigEndian(path);
  }
  const bytes = await read(pickle, MAX_PICKLE_BYTES);
  const { value } = readPickle(bytes, 0, torchNames(path), path);
  const data = `${prefix}data/`;
  const storages = names.filter((name) => name.startsWith(data));
  return { root: value, storages: new Map(storages.map((name) => [name.slice(data.length), place(name)])) };
}

export const bigEndian = (path: string): PixtapeError =>
  new PixtapeError(`${path} was saved on a big-endian machine`, 'In PyTorch: load it there and save it again here.');

async function listZip(handle: FileHandle, path: string): Promise<{ zip: ZipFile; entries: Map<string, Entry> }> {
  try {
    const { size } = await handle.stat();
    const reader = new ArchiveReader(handle, size, path);
    // Keep yauzl from closing our handle.
    const zip = await fromRandomAccessReaderPromise(reader, size, { autoClose: false });
    if (zip.entryCount > MAX_ENTRIES) throw damaged(path, `it holds ${zip.entryCount} files`);
    const entries = new Map<string, Entry>();
    for await (const entry of zip.eachEntry()) {
      if (entries.has(entry.fileName)) throw damaged(path, `${entry.fileName} is twice in it`);
      entries.set(entry.fileName, entry);
    }
    return { zip, entries };
  } catch (error) {
    throw explained(error, path);
  }
}

/**
 * Reads for yauzl. A damaged archive can name any 64-bit offset, and yauzl's own reader passes it to fs.read, which throws
 * where nothing can catch it.
 */
class ArchiveReader extends RandomAccessReader {
  readonly #handle: FileHandle;
  readonly #size: number;
  readonly #path: string;

  constructor(handle: FileHandle, size: number, path: string) {
    super();
    this.#handle = handle;
    this.#size = size;
    this.#path = path;
  }

  override read(buffer: Buffer, offset: number, length: number, position: number, done: (error: Error | null) => void) {
    const read = async () => {
      if (position + length > this.#size) throw new Error(`it names bytes ${position} to ${position + length}`);
      buffer.set(await readAt(this.#handle, position, length, this.#path), offset);
    };
    read().then(() => done(null), done);
  }
}

function explained(error: unknown, path: string): unknown {
  if (error instanceof PixtapeError || !(error instanceof Error)) return error;
  return damaged(path, `its zip archive is cut short or damaged (${error.message})`, error);
}

function damaged(path: string, what: string, cause?: unknown): PixtapeError {
  return new PixtapeError(`${path} cannot be read: ${what}`, 'Copy, download or save it again.', { cause });
}

function otherZip(names: readonly string[], path: string): PixtapeError {
  const keras = names.some((name) => /^(model\.weights\.h5|metadata\.json)$/.test(name));
  if (keras) return new PixtapeError(`${path} is a model of Keras`, KERAS_HINT);
  const numpy = names.length > 0 && names.every((name) => name.endsWith('.npy'));
  const what = numpy
    ? 'holds arrays of NumPy'
    : `is a zip archive, but not of torch.save (${names.slice(0, 3).join(', ')})`;
  return new PixtapeError(
    `${path} ${what}`,
    "Unpack it if the weights lie in it, or save them from PyTorch: torch.save(net.state_dict(), 'weights.pth')",
  );
}

export const KERAS_HINT =
  'Its layers have other names and orders than PyTorch’s, and there is no converter here: train anew with pixtape train, ' +
  'or take weights of PyTorch (latest_net_G.pth).';
