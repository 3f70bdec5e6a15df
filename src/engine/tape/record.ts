import type { Device } from '../gpu/device.ts';
import { Program } from '../gpu/program.ts';
import type { Dtype } from '../gpu/storage.ts';
import { PixtapeError } from '../util/errors.ts';
import { Tensor } from './tensor.ts';

let current: Program | undefined;

/** The program that is being recorded on `device`. @throws Error outside `record`. */
export function currentProgram(device: Device): Program {
  if (!current)
    throw new Error('operations only work inside record(device, () => …): they note what to run, nothing runs at once');
  if (current.device !== device) throw new Error('a tensor of one device was used while recording on another');
  return current;
}

/** A recorded program together with what the recorded function returned. */
export class Recorded<T> {
  readonly program: Program;
  /** What the function returned. Every tensor in it can be read after a run. */
  readonly outputs: T;

  constructor(program: Program, outputs: T) {
    this.program = program;
    this.outputs = outputs;
  }

  /** Replays the program: one submit, no waiting. */
  run(): void {
    this.program.run();
  }

  destroy(): void {
    this.program.destroy();
  }
}

export interface RecordOptions {
  /** Hears of each finished kernel. */
  onCompiled?: ((done: number, total: number) => void) | undefined;
  /**
   * `f16`: what convolutions and concatenations give, and what is made of it, gradients too, is stored as halves: half the
   * memory, half the traffic. Arithmetic, weights, their gradients, statistics and losses stay in float32, which is also
   * the default for everything. Gradients above 65504 become infinite: see `Adam.lossScale`.
   */
  precision?: Dtype;
}

/**
 * Records what `body` does as one program, compiles its kernels and finds it memory. `body` runs once, on the host,
 * synchronously; shapes cannot change between runs. Tensors in its result (in arrays and objects too) stay readable.
 * @throws PixtapeError if it is to store halves, and the adapter cannot
 */
export async function record<T>(
  device: Device,
  body: () => T,
  { onCompiled, precision = 'f32' }: RecordOptions = {},
): Promise<Recorded<T>> {
  if (current) throw new Error('record() inside record(): call the function directly instead');
  if (precision === 'f16' && !device.capabilities.f16) {
    throw new PixtapeError(
      `precision f16: ${device.description} cannot store halves (it lacks WebGPU's shader-f16)`,
      'Leave --precision out, which means f32, or take another --adapter.',
    );
  }
  const program = new Program(device, precision);
  current = program;
  let outputs: T;
  try {
    outputs = body();
  } finally {
    current = undefined;
  }
  retainTensors(program, outputs, new Set());
  await program.compile(onCompiled);
  return new Recorded(program, outputs);
}

function retainTensors(program: Program, value: unknown, seen: Set<object>): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  if (value instanceof Tensor) program.retain(value.storage);
  else if (Array.isArray(value) || value instanceof Map || value instanceof Set) {
    for (const item of value) retainTensors(program, item, seen);
  } else if (Object.getPrototypeOf(value) === Object.prototype) {
    for (const item of Object.values(value)) retainTensors(program, item, seen);
  }
}
