import type { Device } from '../../gpu/device.ts';
import type { Place, Storage, StorageSlice } from '../../gpu/storage.ts';

/** Element i of a result is the sum of the terms' values for it. */
export interface Sum {
  result: Storage;
  size: number;
  terms: readonly Term[];
}

/** For element i the sum of values[i · step + s · stride] for s from 0 to count − 1. */
export interface Term {
  values: Storage;
  step: number;
  stride: number;
  count: number;
}

/** Sums for one dispatch: their results are within one binding, their values within another. */
export interface Batch {
  result: StorageSlice;
  values: StorageSlice;
  /** Whether the sums add to their results. */
  accumulate: boolean;
  sums: readonly Sum[];
}

interface Range {
  base: Storage;
  from: number;
  to: number;
}

/**
 * Groups sums into batches, as far as the buffers of their values and results allow. A sum with values in several
 * buffers continues in another batch, after all that begin here.
 */
export function batches(sums: readonly Sum[], placeOf: (storage: Storage) => Place, { bindingLimit }: Device): Batch[] {
  const rounds: Sum[][] = [];
  for (const sum of sums) {
    runsOf(sum.terms, placeOf).forEach((terms, round) => {
      rounds[round] ??= [];
      rounds[round].push({ ...sum, terms });
    });
  }
  const rangeOf = (storage: Storage): Range => {
    const { base, offset } = placeOf(storage);
    return { base, from: offset, to: offset + storage.bytes };
  };
  return rounds.flatMap((round, accumulated) => {
    const open: { result: Range; values: Range; sums: Sum[] }[] = [];
    for (const sum of round) {
      const result = rangeOf(sum.result);
      const values = sum.terms.map((term) => rangeOf(term.values)).reduce(together);
      const fits = (a: Range, b: Range): boolean => {
        const { from, to } = together(a, b);
        return a.base === b.base && to - from <= bindingLimit;
      };
      const batch = open.find((b) => fits(b.result, result) && fits(b.values, values));
      if (!batch) open.push({ result, values, sums: [sum] });
      else {
        batch.result = together(batch.result, result);
        batch.values = together(batch.values, values);
        batch.sums.push(sum);
      }
    }
    return open.map(({ result, values, sums }) => {
      return { result: sliceOf(result), values: sliceOf(values), accumulate: accumulated > 0, sums };
    });
  });
}

/** Splits terms into runs of consecutive ones in one buffer. */
function runsOf(terms: readonly Term[], placeOf: (storage: Storage) => Place): Term[][] {
  const runs: Term[][] = [];
  for (const term of terms) {
    const [last] = runs.at(-1) ?? [];
    if (last && placeOf(last.values).base === placeOf(term.values).base) runs.at(-1)?.push(term);
    else runs.push([term]);
  }
  return runs;
}

function together(a: Range, b: Range): Range {
  return { base: a.base, from: Math.min(a.from, b.from), to: Math.max(a.to, b.to) };
}

function sliceOf({ base, from, to }: Range): StorageSlice {
  return { storage: base, offset: from, size: to - from };
}
