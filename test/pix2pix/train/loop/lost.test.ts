import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it, vi } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { PixtapeError } from '../../../../src/engine/util/errors.ts';
import { loadCheckpoint } from '../../../../src/pix2pix/train/checkpoint/checkpoint.ts';
import { Pix2Pix } from '../../../../src/pix2pix/train/steps/pix2pix.ts';
import { openTestDevice } from '../../../device.ts';
import { amount } from '../../../sets.ts';
import { bits, temporaryFolders, tinyConfig, train } from '../tiny.ts';

vi.setConfig({ testTimeout: 240_000 });
const folder = temporaryFolders();
const RUN = { steps: 8, logEvery: 1, sampleEvery: 3, saveEvery: 2 };
let expected: Map<string, Uint8Array>;
let reads = 0;
beforeAll(async () => {
  const device = await openTestDevice();
  const counted = countReads(device);
  const { model } = await train(device, folder(), RUN);
  reads = counted();
  expected = await bits(model);
  device.destroy();
});

/** Counts what is read back: losses, predictions of a sample grid, tensors of a checkpoint. */
function countReads(device: Device, then?: (count: number) => void): () => number {
  let count = 0;
  const { createBuffer } = device.gpu;
  device.gpu.createBuffer = (descriptor) => {
    const buffer = createBuffer.call(device.gpu, descriptor);
    if (descriptor.label === 'read-back') then?.(++count);
    return buffer;
  };
  return () => count;
}

const places: [string, number][] = [0.65, 0, 0.3, 0.95]
  .slice(0, amount(1, 4))
  .map((share) => [`${Math.round(100 * share)} % of the way`, share]);
it.each(places)(
  'says that the device was lost, keeps the last state, and goes on to the same bits: %s',
  async (_, share) => {
    const path = folder();
    const device = await openTestDevice();
    const latest = join(path, 'latest.safetensors');
    let lostAt = 0;
    const last = Math.floor(share * reads) + 1;
    countReads(device, (count) => {
      if (count !== last) return;
      lostAt = performance.now();
      device.gpu.destroy();
    });
    const error = await train(device, path, RUN).then(
      () => expect.fail('nothing went wrong'),
      (e: unknown) => e,
    );
    expect(performance.now() - lostAt).toBeLessThan(5000);
    expect(error).toBeInstanceOf(PixtapeError);
    expect(error).toMatchObject({ code: 'device-lost' });
    expect(readdirSync(path).filter((name) => /tmp$|lock/.test(name))).toEqual([]);
    if (existsSync(join(path, 'report.html'))) {
      expect(readFileSync(join(path, 'report.html'), 'utf8')).toContain('stopped by an error');
    }

    const next = await openTestDevice();
    const saved = existsSync(latest);
    const model = saved ? (await loadCheckpoint(next, latest)).model : new Pix2Pix(next, tinyConfig());
    await train(next, path, { ...RUN, resumed: saved }, { model });
    expect(await bits(model)).toEqual(expected);
    next.destroy();
  },
);

it('keeps the state if a sample runs out of memory', { tags: 'long' }, async () => {
  const path = folder();
  const device = await openTestDevice();
  const model = new Pix2Pix(device, tinyConfig());
  await model.prepare();
  const { allocate } = device;
  device.allocate = async (sizes, what) => {
    if (model.step < 3) return allocate.call(device, sizes, what);
    throw new PixtapeError('out of GPU memory', 'Use less.', { code: 'out-of-memory' });
  };
  const options = { ...RUN, saveEvery: 0 };
  await expect(train(device, path, options, { model })).rejects.toMatchObject({ code: 'out-of-memory' });
  device.destroy();
  const next = await openTestDevice();
  const { model: kept } = await loadCheckpoint(next, join(path, 'latest.safetensors'));
  expect(kept.step).toBe(3);
  await train(next, path, { ...RUN, resumed: true }, { model: kept });
  expect(await bits(kept)).toEqual(expected);
  next.destroy();
});
