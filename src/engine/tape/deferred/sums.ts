import source from '../../../../shaders/reduce/deferred_sums.wgsl';
import type { Deferred, Program } from '../../gpu/program.ts';
import type { Storage } from '../../gpu/storage.ts';
import { currentProgram } from '../current.ts';
import { split1d } from '../dispatch.ts';
import { sumOf } from '../primitives.ts';
import type { Tensor } from '../tensor.ts';
import { type Batch, batches, type Sum, type Term } from './batches.ts';

/**
 * Sums that nothing needs before the end of a backward pass. Each by itself would be a dispatch with little to do. They
 * are collected here. One dispatch computes all of them when the program first binds one of the results after the pass:
 * for the gradients of weights in the optimizer's step, or when recording ends. What an operation of the pass itself
 * needs is computed alone, so the gradients that still wait can be placed beside all the others.
 */

/** A sum of more bytes is recorded at once: its values would occupy memory for longer than a dispatch is worth. */
const MOST_BYTES = 2 ** 23;

/**
 * result[i] = the sum of the terms in this order, each summed up by itself. Recorded before anything binds the result.
 */
export function deferSum(result: Tensor, terms: readonly Term[]): void {
  const sum = { result: result.storage, size: result.size, terms };
  const program = currentProgram(result.device);
  if (terms.some(({ values }) => values.bytes > MOST_BYTES)) recordSums(program, [sum]);
  else sumsOf(program).add(sum);
}

/** a + b, of one shape: as `sumOf`, but recorded only when something needs it. */
export function sumLater(a: Tensor, b: Tensor, label: string): Tensor {
  const program = currentProgram(a.device);
  const small = [a, b].every(({ storage }) => {
    return storage.owner === program && storage.dtype === 'f32' && storage.bytes <= MOST_BYTES;
  });
  if (!small) return sumOf(a, b, label);
  const sums = sumsOf(program);
  const result = a.like(label);
  deferSum(result, [...sums.takeTerms(a), ...sums.takeTerms(b)]);
  return result;
}

let passes = 0;

/** Records a backward pass. */
export function duringBackwardPass<T>(pass: () => T): T {
  passes++;
  try {
    return pass();
  } finally {
    passes--;
  }
}

const ofPrograms = new WeakMap<Program, DeferredSums>();

function sumsOf(program: Program): DeferredSums {
  let sums = ofPrograms.get(program);
  if (!sums) {
    sums = new DeferredSums(program);
    ofPrograms.set(program, sums);
    program.deferred = sums;
  }
  return sums;
}

class DeferredSums implements Deferred {
  private readonly program: Program;
  private readonly waiting = new Map<Storage, Sum>();
  /** Waiting sums whose terms other sums have taken over. They are recorded only if something needs them. */
  private readonly taken = new Set<Storage>();

  constructor(program: Program) {
    this.program = program;
  }

  get results(): Iterable<Storage> {
    return this.waiting.keys();
  }

  get inputs(): Iterable<Storage> {
    return [...this.waiting.values()].flatMap(({ terms }) => terms.map(({ values }) => values));
  }

  add(sum: Sum): void {
    this.waiting.set(sum.result, sum);
    const most = this.program.mostDeferredBytes;
    if (most === undefined) return;
    const untaken = [...this.waiting.keys()].filter((result) => !this.taken.has(result));
    if (untaken.reduce((all, { bytes }) => all + bytes, 0) >= most) this.recordResults(untaken);
  }

  /** The terms of a tensor for another sum to take over: those of its waiting sum, or else the tensor itself. */
  takeTerms({ storage }: Tensor): readonly Term[] {
    const sum = this.waiting.get(storage);
    if (!sum) return [{ values: storage, step: 1, stride: 0, count: 1 }];
    this.taken.add(storage);
    return sum.terms;
  }

  record(wanted: readonly Storage[]): void {
    const untaken = passes > 0 ? [] : [...this.waiting.keys()].filter((result) => !this.taken.has(result));
    this.recordResults([...untaken, ...wanted]);
  }

  private recordResults(results: readonly Storage[]): void {
    const { program, waiting } = this;
    const sums = [...waiting.values()].filter(({ result }) => results.includes(result));
    for (const { result } of sums) waiting.delete(result);
    program.placeTogether(new Set(sums.map(({ result }) => result)), 'deferred sums');
    program.placeTogether(new Set(sums.flatMap(({ terms }) => terms.map(({ values }) => values))), 'parts of sums');
    recordSums(program, sums);
  }
}

function recordSums(program: Program, sums: readonly Sum[]): void {
  const placeOf = (storage: Storage) => program.placeOf(storage);
  for (const batch of batches(sums, placeOf, program.device)) recordBatch(program, batch);
}

/** The fewest values that a workgroup adds up. */
const LEAST_WORK = 4096;

function recordBatch(program: Program, { result, values, accumulate, sums }: Batch): void {
  const { device } = program;
  const inWindow = (storage: Storage, window: { offset: number }) => {
    return (program.placeOf(storage).offset - window.offset) / 4;
  };
  const depths = sums.map(({ terms }) => terms.reduce((sum, { count }) => sum + count, 0));
  const work = sums.reduce((total, { size }, i) => total + size * (depths[i] as number), 0);
  const share = Math.max(LEAST_WORK, work / device.maxUsefulWorkgroups);
  const chunks: number[] = [];
  const table: number[] = [];
  sums.forEach(({ result: to, size, terms }, i) => {
    const first = table.length / 4;
    for (const { values: from, step, stride, count } of terms) table.push(inWindow(from, values), step, stride, count);
    const length = Math.ceil(share / (depths[i] as number) / device.lanes) * device.lanes;
    for (let at = 0; at < size; at += length) {
      chunks.push(inWindow(to, result), at, Math.min(at + length, size), first, first + terms.length);
    }
  });
  const count = chunks.length / 5;
  const tableOf = (numbers: readonly number[], label: string) => {
    return program.table(numbers.length, label, () => Uint32Array.from(numbers));
  };
  program.dispatch(
    device.kernel('deferred_sums', source),
    { chunks: tableOf(chunks, 'chunks of sums'), terms: tableOf(table, 'terms of sums'), values, result },
    { chunks: count, accumulate: accumulate ? 1 : 0 },
    split1d(count),
  );
}
