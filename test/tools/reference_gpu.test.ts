import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { closeAdapter, openAdapter } from '../../src/drivers/index.ts';
import { swiftShaderUnsupported } from '../../src/drivers/probe/swiftshader.ts';
import { Device } from '../../src/engine/gpu/device.ts';
import { decodeSafetensors } from '../../src/engine/util/safetensors.ts';
import { runReference } from '../../tools/pytorch/reference.ts';

/**
 * PyTorch's training steps with the kernels and fused passes for GPUs only. Runs on SwiftShader, which compiles them in
 * seconds where lavapipe takes minutes.
 * @module-tag long
 */

const fixtures = join(import.meta.dirname, '..', 'fixtures');
const unsupported = swiftShaderUnsupported();

describe('fixtures as GPUs compute them', () => {
  beforeEach(({ skip }) => skip(unsupported !== undefined, unsupported));
  afterAll(closeAdapter);

  test.each(['depth3-batch4', 'unet32-basic'])(
    '%s',
    async (name) => {
      const { adapter, description } = await openAdapter('swiftshader');
      const device = await Device.open(adapter, description);
      Object.assign(device.capabilities, { cpu: false, subgroupSize: 0 });
      try {
        const { metadata, tensors } = decodeSafetensors(readFileSync(join(fixtures, `${name}.safetensors`)), name);
        const groups = await runReference(device, metadata, tensors, name);
        expect(groups).toHaveLength(12);
        expect(groups.filter(({ ok }) => !ok)).toEqual([]);
      } finally {
        device.destroy();
      }
    },
    600_000,
  );
});
