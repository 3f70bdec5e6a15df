/** Replaces src/files/files.ts: the same file, over HTTP. */

import { decodeSafetensors } from '../../../src/engine/util/safetensors.ts';
import type { SafetensorsFile } from '../../../src/files/files.ts';

export type { SafetensorsFile };

export async function readSafetensors(path: string): Promise<SafetensorsFile> {
  const response = await fetch(path);
  const { metadata, tensors } = decodeSafetensors(new Uint8Array(await response.arrayBuffer()), path);
  const read: SafetensorsFile['read'] = async (name) => {
    const tensor = tensors.get(name);
    if (!tensor) throw new Error(`${path} holds no tensor "${name}"`);
    return tensor;
  };
  // Only the names and the tensors themselves are used.
  const entries = new Map([...tensors].map(([name, { dtype, shape }]) => [name, { dtype, shape, start: 0, end: 0 }]));
  return { path, metadata, entries, read, close: async () => undefined };
}
