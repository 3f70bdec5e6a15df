import { Device } from '../gpu/device.ts';
import { Program } from '../gpu/program.ts';
import { type Precision, Storage } from '../gpu/storage.ts';
import { PixtapeError } from '../util/errors.ts';
import { recordProgram } from './current.ts';
import { Tensor } from './tensor.ts';

/** A recorded program, with the value that the recorded function returned. */
export class Recorded<T> {
  readonly program: Program;
  /** What the function returned. Every tensor in it can be read after a run. */
  readonly outputs: T;

  constructor(program: Program, outputs: T) {
    this.program = program;
    this.outputs = outputs;
  }

  /** Replays the program, once or several times: one submit, no waiting. */
  run(times = 1): void {
    this.program.run(times);
  }

  /** Replays a program with host work in the middle; see `Program.cut`. */
  runInParts(): Promise<void> {
    return this.program.runInParts();
  }

  destroy(): void {
    this.program.destroy();
  }
}

export interface RecordOptions {
  /** Called after each compiled kernel. */
  onCompiled?: ((done: number, total: number) => void) | undefined;
  /**
   * `f16` stores the results of convolutions and concatenations, everything computed from them, and their gradients in
   * 16 bits: half the memory and half the traffic. Arithmetic, weights, their gradients, statistics and losses stay in
   * float32, but matrix units multiply halves. By default everything is float32. Gradients above 65504 become infinite:
   * see `lossScale` of the optimizers.
   */
  precision?: Precision;
}

function checkCall(body: unknown, options: object): void {
  if (typeof body !== 'function') {
    throw new PixtapeError(`record: the body is ${typeof body}; it must be a function`);
  }
  const unknownName = Object.keys(options).find((name) => name !== 'onCompiled' && name !== 'precision');
  if (unknownName !== undefined) {
    throw new PixtapeError(`record: there is no option ${unknownName}`, 'It takes onCompiled, precision.');
  }
  const { precision = 'f32' } = options as RecordOptions;
  if (precision !== 'f32' && precision !== 'f16') {
    throw new PixtapeError(`record: precision is ${JSON.stringify(precision)}; it must be 'f32' or 'f16'`);
  }
}

/**
 * Records what `body` does as one program, compiles its kernels and plans its memory. `body` runs once, on the host,
 * synchronously. Shapes cannot change between runs. Tensors in its result, also in arrays and objects, stay readable.
 * @throws PixtapeError if an argument is wrong, if the adapter cannot store f16 as asked, if `body` is async, or inside
 *   another record()
 */
export async function record<T>(device: Device, body: () => T, options: RecordOptions = {}): Promise<Recorded<T>> {
  const { onCompiled, precision = 'f32' } = options;
  checkCall(body, options);
  if (precision === 'f16' && !device.capabilities.f16) {
    throw new PixtapeError(
      `precision f16: ${device.description} cannot store halves (it lacks WebGPU's shader-f16)`,
      'Use precision f32, or another adapter.',
      { code: 'unsupported' },
    );
  }
  const { program, result } = recordProgram(device, precision, body);
  if (typeof (result as { then?: unknown } | null | undefined)?.then === 'function') {
    throw new PixtapeError(
      'record() was given an async function: what it does after its first await would not be recorded',
      'Load data before record(), and give it a plain function.',
      { code: 'misuse' },
    );
  }
  retainTensors(program, result, new Set());
  await program.compile(onCompiled);
  return new Recorded(program, result);
}

/**
 * Records `body`, runs it once, reads its tensors and frees the memory. For notebooks and first steps; use `record` for
 * work that runs more than once.
 * @returns what `body` returned, each tensor replaced by its values
 */
export async function run<T>(device: Device, body: () => T): Promise<Read<T>> {
  const recorded = await record(device, body);
  try {
    recorded.run();
    return (await valuesOf(recorded.outputs)) as Read<T>;
  } finally {
    recorded.destroy();
  }
}

/** The result of `run` for what its function returned. */
export type Read<T> = T extends Tensor
  ? Float32Array
  : T extends readonly (infer E)[]
    ? Read<E>[]
    : T extends object
      ? { [K in keyof T]: Read<T[K]> }
      : T;

async function valuesOf(value: unknown): Promise<unknown> {
  if (value instanceof Tensor) {
    return value.dtype === 'u32' || value.dtype === 'i32' ? value.readIntegers() : value.read();
  }
  if (Array.isArray(value)) return Promise.all(value.map(valuesOf));
  if (value instanceof Map) {
    return new Map(await Promise.all([...value].map(async ([key, item]) => [key, await valuesOf(item)] as const)));
  }
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  const entries = Object.entries(value).map(async ([key, item]) => [key, await valuesOf(item)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

/** Tensors anywhere in the result: in arrays, maps, sets, plain objects and class instances. */
function retainTensors(program: Program, value: unknown, seen: Set<object>): void {
  if (typeof value !== 'object' || value === null || seen.has(value) || isOpaque(value)) return;
  seen.add(value);
  if (value instanceof Tensor) program.retain(value.storage);
  else if (Array.isArray(value) || value instanceof Map || value instanceof Set) {
    for (const item of value) retainTensors(program, item, seen);
  } else {
    for (const item of Object.values(value)) retainTensors(program, item, seen);
  }
}

function isOpaque(value: object): boolean {
  return value instanceof Device || value instanceof Program || value instanceof Storage || ArrayBuffer.isView(value);
}
