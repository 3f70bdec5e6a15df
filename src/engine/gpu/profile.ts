import { BufferUsage } from './constants.ts';
import type { Device } from './device.ts';

/** One dispatch of a profiled program. */
export interface DispatchTiming {
  label: string;
  /** When it began, in milliseconds after the first dispatch began. */
  start: number;
  milliseconds: number;
  workgroups: number;
}

/** One run of a program, dispatch by dispatch in the order of the program. */
export interface Profile {
  /**
   * `gpu`: timestamps of the kernels alone. `host`: each dispatch was submitted and awaited by itself, so each figure
   * includes the wait (0.03–0.1 ms); for devices without timestamps.
   */
  clock: 'gpu' | 'host';
  dispatches: DispatchTiming[];
}

/** A program to profile: its dispatches' names, and how to encode the i-th. */
export interface Profiled {
  device: Device;
  dispatches: readonly { label: string; groups: readonly [number, number, number] }[];
  encode(pass: GPUComputePassEncoder, i: number): void;
}

/** Runs everything once, one dispatch per pass, with timestamps if the device has them. */
export async function profile(profiled: Profiled): Promise<Profile> {
  const times = profiled.device.gpu.features.has('timestamp-query') ? await timestamps(profiled) : undefined;
  // Some drivers list the feature but leave every timestamp 0.
  const clock = times?.some(({ begin, end }) => end > begin) ? 'gpu' : 'host';
  const taken = clock === 'gpu' && times ? times : await waits(profiled);
  const first = taken[0]?.begin ?? 0;
  const dispatches = profiled.dispatches.map(({ label, groups }, i) => {
    const { begin, end } = taken[i] as Interval;
    return { label, start: begin - first, milliseconds: end - begin, workgroups: groups[0] * groups[1] * groups[2] };
  });
  return { clock, dispatches };
}

/** Milliseconds on any clock. */
interface Interval {
  begin: number;
  end: number;
}

/** WebGPU's limit for a query set; each dispatch takes two. */
const MOST_QUERIES = 4096;
const QUERY_BYTES = 8;

async function timestamps({ device, dispatches, encode }: Profiled): Promise<Interval[]> {
  const { gpu } = device;
  const encoder = gpu.createCommandEncoder();
  const sets: { set: GPUQuerySet; buffer: GPUBuffer; count: number }[] = [];
  for (let from = 0; from < dispatches.length; from += MOST_QUERIES / 2) {
    const count = 2 * Math.min(MOST_QUERIES / 2, dispatches.length - from);
    const set = gpu.createQuerySet({ type: 'timestamp', count });
    const usage = BufferUsage.QUERY_RESOLVE | BufferUsage.COPY_SRC;
    const buffer = gpu.createBuffer({ label: 'timestamps', size: count * QUERY_BYTES, usage });
    sets.push({ set, buffer, count });
    for (let i = 0; i < count / 2; i++) {
      const timestampWrites = { querySet: set, beginningOfPassWriteIndex: 2 * i, endOfPassWriteIndex: 2 * i + 1 };
      const pass = encoder.beginComputePass({ timestampWrites });
      encode(pass, from + i);
      pass.end();
    }
    encoder.resolveQuerySet(set, 0, count, buffer, 0);
  }
  gpu.queue.submit([encoder.finish()]);
  try {
    const intervals: Interval[] = [];
    let origin: bigint | undefined;
    for (const { buffer, count } of sets) {
      const bytes = await device.readBytes(buffer, 0, count * QUERY_BYTES);
      const nanoseconds = new BigUint64Array(bytes.buffer, bytes.byteOffset, count);
      origin ??= nanoseconds[0];
      const at = (i: number) => Number((nanoseconds[i] as bigint) - (origin as bigint)) / 1e6;
      for (let i = 0; i < count; i += 2) intervals.push({ begin: at(i), end: at(i + 1) });
    }
    return intervals;
  } finally {
    for (const { set, buffer } of sets) {
      set.destroy();
      buffer.destroy();
    }
  }
}

async function waits({ device, dispatches, encode }: Profiled): Promise<Interval[]> {
  const { gpu } = device;
  await device.orLost(gpu.queue.onSubmittedWorkDone());
  const intervals: Interval[] = [];
  for (let i = 0; i < dispatches.length; i++) {
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    encode(pass, i);
    pass.end();
    const begin = performance.now();
    gpu.queue.submit([encoder.finish()]);
    await device.orLost(gpu.queue.onSubmittedWorkDone());
    intervals.push({ begin, end: performance.now() });
  }
  return intervals;
}
