import { decodeSafetensors } from '../../../src/engine/util/safetensors.ts';
import { runReference } from '../../../tools/pytorch/reference.ts';
import { openTestDevice } from './device.ts';

/** Compares a fixture, fetched by its name, with PyTorch's values in the page. */
Object.assign(globalThis, {
  reference: async (name: string) => {
    const bytes = new Uint8Array(await (await fetch(name)).arrayBuffer());
    const { metadata, tensors } = decodeSafetensors(bytes, name);
    const device = await openTestDevice();
    try {
      return await runReference(device, metadata, tensors, name);
    } finally {
      device.destroy();
    }
  },
});
