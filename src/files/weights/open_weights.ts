import type { FileHandle } from 'node:fs/promises';
import { PixtapeError } from '../../engine/util/errors.ts';
import { bytesPerElement, type NamedTensor } from '../../engine/util/safetensors.ts';
import { readSafetensors } from '../files.ts';
import { openToRead, readAt } from '../read_at.ts';
import { identifyWeights } from './identify.ts';
import { readTorchZip, type TorchArchive } from './torch_archive.ts';
import { readTorchLegacy } from './torch_legacy.ts';
import { gather, spanOf, type TorchTensor } from './torch_tensor.ts';
import { findTensors } from './torch_tensors.ts';
import type { WeightsFile } from './weights_file.ts';

/**
 * Opens a file of weights: safetensors, or a file of `torch.save` (.pth, .pt, .ckpt, .bin; zip or older). Tells them
 * apart by content. Reads only tensors and plain containers from the latter, and runs nothing in it.
 * @throws PixtapeError if the file is missing, truncated, damaged, or another program's, which it names
 */
export async function openWeights(path: string): Promise<WeightsFile> {
  const handle = await openToRead(path);
  let opened: WeightsFile | undefined;
  try {
    const { size } = await handle.stat();
    const kind = identifyWeights(path, await readAt(handle, 0, Math.min(size, 512), path));
    if (kind === 'safetensors') return await readSafetensors(path);
    const archive = await (kind === 'zip' ? readTorchZip(handle, path) : readTorchLegacy(handle, size, path));
    opened = openTorch(handle, archive, size, path);
    return opened;
  } finally {
    if (!opened) await handle.close();
  }
}

function openTorch(handle: FileHandle, archive: TorchArchive, size: number, path: string): WeightsFile {
  const tensors = findTensors(archive.root, size, path);
  for (const [name, tensor] of tensors) checkPlace(archive, name, tensor, path);
  const read = async (name: string): Promise<NamedTensor> => {
    const tensor = tensors.get(name);
    if (!tensor) throw new PixtapeError(`${path} holds no tensor "${name}"`, 'Is it of another model?');
    const { first, end } = spanOf(tensor);
    const width = bytesPerElement(tensor.dtype);
    const start = await (archive.storages.get(tensor.storage.key)?.start() ?? 0);
    return gather(tensor, await readAt(handle, start + first * width, (end - first) * width, path));
  };
  return { path, entries: tensors, read, close: () => handle.close() };
}

/** @throws PixtapeError if the tensor's storage is missing or too short */
function checkPlace({ storages }: TorchArchive, name: string, tensor: TorchTensor, path: string): void {
  const { end } = spanOf(tensor);
  const place = storages.get(tensor.storage.key);
  const wanted = end * bytesPerElement(tensor.dtype);
  if (place && wanted <= place.length) return;
  const what = place ? `has ${place.length} bytes where ${wanted} are wanted` : 'is missing';
  throw new PixtapeError(
    `${path} is cut short or damaged: the storage of ${name} ${what}`,
    'Copy, download or save it again.',
  );
}
