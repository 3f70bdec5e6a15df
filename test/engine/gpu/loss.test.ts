import { expect, it } from 'vitest';
import type { Device } from '../../../src/engine/gpu/device.ts';
import { LossWatch } from '../../../src/engine/gpu/loss.ts';
import { scale } from '../../../src/engine/ops/elementwise/arithmetic.ts';
import { record } from '../../../src/engine/tape/record.ts';
import { Tensor } from '../../../src/engine/tape/tensor.ts';
import { PixtapeError } from '../../../src/engine/util/errors.ts';
import { openTestDevice } from '../../device.ts';

const info = (reason: 'unknown' | 'destroyed', message: string) => ({ reason, message }) as GPUDeviceLostInfo;
const never = new Promise<never>(() => {});

/** A watch, and a function that loses its device. */
function watched() {
  let lose: (info: GPUDeviceLostInfo) => void = () => {};
  const watch = new LossWatch(
    new Promise<GPUDeviceLostInfo>((resolve) => {
      lose = resolve;
    }),
  );
  return { watch, lose };
}

it('ends a wait that would never end', async () => {
  const { watch, lose } = watched();
  const waiting = watch.guard(never);
  lose(info('unknown', 'the driver was reset'));
  await expect(waiting).rejects.toMatchObject({
    code: 'device-lost',
    message: expect.stringMatching(/driver was reset/),
  });
  await expect(watch.guard(never)).rejects.toMatchObject({ code: 'device-lost' });
  await expect(watch.guard(Promise.resolve(1))).rejects.toMatchObject({ code: 'device-lost' });
});

it('explains a bare AbortError by the loss that follows it, and passes other errors on', async () => {
  const { watch, lose } = watched();
  const aborted = watch.guard(Promise.reject(new DOMException('', 'AbortError')));
  setTimeout(() => lose(info('unknown', 'late')), 30);
  await expect(aborted).rejects.toMatchObject({ code: 'device-lost' });
  const other = watched().watch;
  await expect(other.guard(Promise.reject(new RangeError('ours')))).rejects.toThrow(RangeError);
  await expect(other.guard(Promise.reject(new DOMException('', 'AbortError')))).rejects.toMatchObject({
    name: 'AbortError',
  });
  expect(await other.guard(Promise.resolve(7))).toBe(7);
});

it('holds no reference to a finished wait', async () => {
  const { watch } = watched();
  for (let i = 0; i < 100; i++) await watch.guard(Promise.resolve(i));
  await watch.guard(Promise.reject(new Error('x'))).catch(() => {});
  expect((watch as unknown as { waiting: Set<unknown> }).waiting.size).toBe(0);
});

it('distinguishes a loss from a device that was destroyed on purpose', async () => {
  const { watch, lose } = watched();
  watch.expect();
  lose(info('destroyed', 'destroyed'));
  await expect(watch.guard(never)).rejects.toMatchObject({ code: 'misuse' });
});

/** Loses the device at each place where the engine waits. */
const moments: [string, (device: Device) => Promise<unknown>][] = [
  ['reading back', async (device) => Tensor.zeros(device, [4]).read()],
  ['a wait for the queue', (device) => device.check()],
  ['draining', (device) => device.drain()],
  ['allocating', (device) => device.allocate([1024], 'x')],
  ['compiling', (device) => record(device, () => scale(Tensor.zeros(device, [4]), Math.PI))],
];
it.each(moments)('says that it was lost while %s', { timeout: 60_000 }, async (_, work) => {
  const device = await openTestDevice();
  const start = performance.now();
  const outcome = work(device).then(
    () => undefined,
    (error: unknown) => error,
  );
  device.gpu.destroy();
  const error = await outcome;
  expect(error).toBeInstanceOf(PixtapeError);
  expect(error).toMatchObject({ code: 'device-lost' });
  expect(performance.now() - start).toBeLessThan(5000);
  // And at every call afterwards.
  await expect(work(device)).rejects.toMatchObject({ code: 'device-lost' });
});

it('refuses to run a program on a lost device', async () => {
  const device = await openTestDevice();
  const x = Tensor.zeros(device, [4]);
  const { program, outputs } = await record(device, () => scale(x, 2));
  program.run();
  device.gpu.destroy();
  await device.gpu.lost;
  expect(() => program.run()).toThrow(/was lost/);
  await expect(outputs.read()).rejects.toMatchObject({ code: 'device-lost' });
  await expect(program.profile()).rejects.toMatchObject({ code: 'device-lost' });
});
