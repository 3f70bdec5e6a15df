import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { traceOf } from '../../../src/cli/profile/trace.ts';
import { closeAdapter } from '../../../src/drivers/index.ts';
import type { Device } from '../../../src/engine/gpu/device.ts';
import { dispatch } from '../../../src/engine/tape/dispatch.ts';
import { record } from '../../../src/engine/tape/record.ts';
import { Tensor } from '../../../src/engine/tape/tensor.ts';
import { closeTestDevice, openTestDevice } from '../../device.ts';

const COUNT = `
@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(4)
fn main(@builtin(global_invocation_id) id: vec3u) {
  y[id.x] += 1.0;
}`;

/** Two dispatches that each add 1 to every element. */
function counting(device: Device) {
  const y = Tensor.zeros(device, [8]);
  const kernel = device.kernel('count', COUNT);
  return record(device, () => {
    dispatch(kernel, { y }, undefined, [2]);
    dispatch(kernel, { y }, undefined, [2, 1, 1], 'count again');
    return y;
  });
}

describe('Program', () => {
  let device: Device;
  beforeAll(async () => {
    device = await openTestDevice();
  });
  afterAll(() => {
    closeTestDevice(device);
    closeAdapter();
  });

  it('runs several times in one pass', async () => {
    const counted = await counting(device);
    counted.run(3);
    expect([...(await counted.outputs.read())]).toEqual(Array(8).fill(6));
    counted.run();
    expect([...(await counted.outputs.read())]).toEqual(Array(8).fill(8));
    counted.destroy();
  });

  it('is profiled by the GPU’s clock if it has one: runs once, one dispatch after the other', async () => {
    const counted = await counting(device);
    const { clock, dispatches } = await counted.program.profile();
    expect(clock).toBe(device.gpu.features.has('timestamp-query') ? 'gpu' : 'host');
    expect(dispatches.map(({ label, workgroups }) => [label, workgroups])).toEqual([
      ['count', 2],
      ['count again', 2],
    ]);
    const [first, second] = dispatches as [(typeof dispatches)[0], (typeof dispatches)[0]];
    expect(first.start).toBe(0);
    expect(first.milliseconds).toBeGreaterThan(0);
    expect(second.start).toBeGreaterThanOrEqual(first.milliseconds);
    expect([...(await counted.outputs.read())]).toEqual(Array(8).fill(2));
    counted.destroy();
  });

  it('is profiled by waiting if there are no timestamps', async () => {
    const counted = await counting(device);
    const features = Object.getOwnPropertyDescriptor(device.gpu, 'features');
    Object.defineProperty(device.gpu, 'features', { value: new Set(), configurable: true });
    try {
      const { clock, dispatches } = await counted.program.profile();
      expect(clock).toBe('host');
      expect(dispatches.every(({ milliseconds }) => milliseconds > 0)).toBe(true);
      expect([...(await counted.outputs.read())]).toEqual(Array(8).fill(2));
    } finally {
      if (features) Object.defineProperty(device.gpu, 'features', features);
      else Reflect.deleteProperty(device.gpu, 'features');
      counted.destroy();
    }
  });
});

describe('traceOf', () => {
  it('writes a complete event for each dispatch, in microseconds', () => {
    const dispatches = [{ label: 'conv_gemm.forward 3×3', start: 1.5, milliseconds: 0.25, workgroups: 64 }];
    const { traceEvents } = JSON.parse(traceOf({ clock: 'gpu', dispatches }, 'some adapter'));
    expect(traceEvents.at(-1)).toEqual({
      name: 'conv_gemm.forward 3×3',
      cat: 'conv_gemm',
      ph: 'X',
      ts: 1500,
      dur: 250,
      pid: 1,
      tid: 1,
      args: { dispatch: 0, workgroups: 64 },
    });
    expect(traceEvents[0]).toMatchObject({ name: 'process_name', ph: 'M', args: { name: 'some adapter' } });
  });
});
