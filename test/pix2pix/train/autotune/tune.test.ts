import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { defaultChoice } from '../../../../src/engine/ops/conv/tuning/choose.ts';
import { convKey, parseConvKey } from '../../../../src/engine/ops/conv/tuning/key.ts';
import {
  convCandidates,
  findChoice,
  parseChoice,
  parseRequest,
} from '../../../../src/engine/ops/conv/tuning/registry.ts';
import { lookUp } from '../../../../src/engine/ops/conv/tuning/tables.ts';
import { ConvTuning, convTuning } from '../../../../src/engine/ops/conv/tuning/tuning.ts';
import { benchmarkCandidates, type Trial } from '../../../../src/pix2pix/train/autotune/benchmark.ts';
import {
  convolutionsOf,
  measureConvolution,
  operations,
  trainingStep,
  tuneModel,
} from '../../../../src/pix2pix/train/autotune/tune.ts';
import { closeTestDevice, openTestDevice } from '../../../device.ts';
import { tinyConfig } from '../tiny.ts';

const g = {
  batch: 2,
  inC: 5,
  inH: 9,
  inW: 7,
  outC: 6,
  outH: 4,
  outW: 4,
  kernelH: 4,
  kernelW: 3,
  strideH: 2,
  strideW: 2,
  padH: 1,
  padW: 1,
  dilationH: 1,
  dilationW: 1,
  groups: 1,
};

/** Choices whose runs take the given times, the last one repeatedly, and compute `values`. */
function stable(times: Record<string, number[]>, values: Record<string, number[]> = {}) {
  const log: string[] = [];
  const open = async (choice: string): Promise<Trial> => {
    const left = [...(times[choice] as number[])];
    if (left.length === 0) throw new Error(`${choice} needs what is not there\nsecond line`);
    return {
      run: async () => {
        log.push(choice);
        return (left.length > 1 ? left.shift() : left[0]) as number;
      },
      result: async () => Float32Array.from(values[choice] ?? [1, -2, 3]),
      destroy: () => void log.push(`${choice} gone`),
    };
  };
  return { open, log };
}

describe('race', () => {
  it('takes the fastest, timed in turns', async () => {
    const { open, log } = stable({ a: [50, 10], b: [90, 8], c: [40, 9] });
    const { chosen, entries } = await benchmarkCandidates(['a', 'b', 'c'], open);
    expect(chosen).toBe('b');
    expect(entries).toEqual([
      { choice: 'a', ms: 10 },
      { choice: 'b', ms: 8 },
      { choice: 'c', ms: 9 },
    ]);
    // Two runs each at first: one to compile and check, one for a first timing.
    expect(log.slice(0, 12).join(' ')).toBe('a a b b c c a b c a b c');
    expect(log.slice(-3)).toEqual(['a gone', 'b gone', 'c gone']);
  });

  it('goes by the median, not by the luckiest run', async () => {
    const { open } = stable({ a: [10], b: [10, 10, 1, 1, 12], c: [30, 10, 9] });
    expect((await benchmarkCandidates(['a', 'b', 'c'], open)).chosen).toBe('c');
  });

  it('stays with the default if nothing gains 5 %', async () => {
    expect((await benchmarkCandidates(['a', 'b'], stable({ a: [10], b: [9.6] }).open)).chosen).toBe('a');
    expect((await benchmarkCandidates(['a', 'b'], stable({ a: [10], b: [9.4] }).open)).chosen).toBe('b');
    expect((await benchmarkCandidates(['a'], stable({ a: [10] }).open)).chosen).toBe('a');
  });

  it('excludes a wrong result, and says how far it is off', async () => {
    const { open } = stable(
      { a: [10], wrong: [1], close: [5], lost: [2] },
      { wrong: [1, -2, 3.1], close: [1.00001, -2, 3], lost: [1, Number.NaN, 3] },
    );
    const { chosen, entries } = await benchmarkCandidates(['a', 'wrong', 'close', 'lost'], open);
    expect(chosen).toBe('close');
    expect(entries[1]?.excluded).toMatch(/its result is off: 2\.7e-2 of the default's, 3\.3e-2 at worst/);
    expect(entries[3]?.excluded).toMatch(/its result is off: element 1 is NaN, not -2/);
  });

  it('excludes choices that cannot run or are far too slow', async () => {
    const { open, log } = stable({ a: [10], none: [], slow: [300, 25], hopeless: [900, 400], hiccup: [50, 60, 8] });
    const { chosen, entries } = await benchmarkCandidates(['a', 'none', 'slow', 'hopeless', 'hiccup'], open);
    expect(chosen).toBe('hiccup');
    expect(entries.slice(1)).toEqual([
      { choice: 'none', excluded: 'none needs what is not there' },
      { choice: 'slow', ms: 25, excluded: 'too slow from the start' },
      { choice: 'hopeless', ms: 400, excluded: 'too slow from the start' },
      { choice: 'hiccup', ms: 8 },
    ]);
    const runs = (choice: string) => log.filter((name) => name === choice).length;
    expect([runs('slow'), runs('hopeless')]).toEqual([4, 3]);
  });

  it('compiles no further choice when time is up, and decides between the measured ones', async () => {
    const { open } = stable({ a: [10], b: [5], c: [1] });
    let asked = 0;
    const { chosen, entries } = await benchmarkCandidates(['a', 'b', 'c'], open, () => asked++ === 0);
    expect(chosen).toBe('b');
    expect(entries[2]).toEqual({ choice: 'c', excluded: 'no time left' });
    expect((await benchmarkCandidates(['a', 'b'], open, () => false)).entries[0]).toEqual({ choice: 'a', ms: 10 });
  });

  it('fails if the default fails, because there is nothing to compare with', async () => {
    await expect(benchmarkCandidates(['a', 'b'], stable({ a: [], b: [1] }).open)).rejects.toThrow(
      'needs what is not there',
    );
  });
});

describe('keys and tables', () => {
  it('parses every key that it writes, and nothing else', () => {
    const dilated = { ...g, dilationH: 2, dilationW: 1, outH: 3 };
    const inGroups = { ...g, inC: 6, groups: 3 };
    const all = { ...dilated, inC: 6, groups: 3 };
    for (const direction of ['forward', 'inputGradient', 'weightGradient'] as const) {
      for (const each of [g, dilated, inGroups, all]) {
        expect(parseConvKey(convKey(direction, each))).toEqual({ direction, g: each });
      }
    }
    // As before dilation and groups existed: old tables stay readable.
    expect(convKey('forward', g)).toBe('forward 2x5x9x7 6x5x4x3 s2x2 p1x1');
    expect(convKey('forward', all)).toBe('forward 2x6x9x7 6x2x4x3 s2x2 p1x1 d2x1 g3');
    for (const text of ['', 'forward', `${convKey('forward', g)} `, convKey('forward', g).replace('forward', 'side')]) {
      expect(parseConvKey(text)).toBeUndefined();
    }
  });

  it('takes the first rule that applies and names something that fits', () => {
    const candidates = ['tile 2x4x8', 'tile 2x2x8', 'gemm 16x64'].map(parseChoice);
    const rules = [
      { channels: 100, prefer: ['gemm'] },
      { kernel: 3, prefer: ['gemm'] },
      { direction: 'forward', stride: 2, prefer: ['winograd4', 'tile 2x2x8'] },
      { prefer: ['gemm'] },
    ] as const;
    const look = (direction: 'forward' | 'inputGradient') => {
      return lookUp({ name: '', rules }, direction, g, candidates)?.name;
    };
    expect(look('forward')).toBe('tile 2x2x8');
    expect(look('inputGradient')).toBe('gemm 16x64');
  });

  it('parses the names of algorithms and choices, and nothing else', () => {
    const candidates = ['tile 2x4x8', 'tile 2x2x8'].map(parseChoice);
    const find = (text: string) => {
      const request = parseRequest(text);
      return request && findChoice(candidates, request)?.name;
    };
    expect(find('tile')).toBe('tile 2x4x8');
    expect(find('tile 2x2x8')).toBe('tile 2x2x8');
    expect(find('tile 2x2x16'), 'a choice that is no candidate').toBeUndefined();
    const names = ['winograd_rows 16', 'winograd4 32', 'gemm 64x64', 'fold 2x4x32', 'fold_gemm 64x64', 'direct'];
    for (const name of [...names, 'winograd_gemm 4x64x64', 'winograd_gemm 2x128x64']) {
      expect(parseChoice(name).name).toBe(name);
    }
    for (const text of [
      '',
      'til',
      'tile 2x2',
      'tile 2x0x8',
      'tile 2x2x8 ',
      'gemm 5x5',
      'direct 1',
      'winograd4 x',
      'winograd_gemm 3x64x64',
    ]) {
      expect(parseRequest(text), text).toBeUndefined();
    }
  });

  it('refuses an unknown algorithm, and ignores entries of another version’s table', () => {
    const tuning = new ConvTuning();
    const set = () => {
      tuning.algorithm = 'tiles';
    };
    expect(set).toThrow(/no convolution algorithm named "tiles"\n.*auto, or one of tile, fold/);
    expect(tuning.algorithm).toBe('auto');
    tuning.table = new Map([[convKey('forward', g), 'fast 9']]);
    expect(tuning.requestFor('forward', g)).toBeUndefined();
    tuning.table = new Map([[convKey('forward', g), 'gemm 16x64']]);
    expect(tuning.requestFor('forward', g)?.choice?.name).toBe('gemm 16x64');
    expect(tuning.requestFor('weightGradient', g)).toBeUndefined();
  });
});

describe('tuneModel', () => {
  let device: Device;
  beforeAll(async () => {
    device = await openTestDevice();
  });
  afterAll(() => closeTestDevice(device));

  it('finds every convolution of a training step by a dry run, in every direction', async () => {
    const before = device.memory.bytes;
    const all = await convolutionsOf(device, trainingStep(tinyConfig()));
    expect(device.memory.bytes).toBe(before);
    expect(convTuning(device).taken.size).toBe(0);
    // The PatchGAN's first layer processes fake and real pictures as one batch, and the fakes again.
    for (const batch of [4, 2]) {
      const first = all.find(({ key }) => key.startsWith(`forward ${batch}x6x16x16 2x6x`));
      expect(first?.uses, `batch ${batch}`).toBe(1);
    }
    for (const direction of ['forward', 'inputGradient', 'weightGradient']) {
      expect(all.filter((c) => c.direction === direction).length).toBeGreaterThan(5);
    }
  });

  it('measures the largest first, skips what is known, and stops in time', async () => {
    const all = await convolutionsOf(device, trainingStep(tinyConfig()));
    const known = new Map([[all[0]?.key ?? '', 'gemm']]);
    let time = 0;
    const progress: string[] = [];
    const tuned = await tuneModel(device, trainingStep(tinyConfig()), {
      known,
      seconds: 4.5,
      clock: () => time,
      measure: async (_, { key }) => {
        time += 1000;
        return { chosen: `for ${key}`, entries: [] };
      },
      onProgress: (done, total) => progress.push(`${done} of ${total}`),
    });
    expect(tuned).toHaveLength(5);
    expect(tuned.every(({ key, chosen }) => chosen === `for ${key}` && !known.has(key))).toBe(true);
    const work = tuned.map((t) => t.uses * operations(t.g));
    expect(work).toEqual([...work].sort((a, b) => b - a));
    expect(progress.slice(0, 2)).toEqual([`0 of ${all.length - 1}`, `1 of ${all.length - 1}`]);
    expect(progress.at(-1)).toBe(`${all.length - 1} of ${all.length - 1}`);
  });

  it('compares the real kernels on the device, and frees its memory', { tags: 'long', timeout: 120_000 }, async () => {
    const before = device.memory.bytes;
    for (const direction of ['forward', 'inputGradient', 'weightGradient'] as const) {
      const convolution = { key: convKey(direction, g), direction, g, uses: 1 };
      // A driver that compiles slowly may leave no time for some; test/engine/ops checks that all are right.
      const end = performance.now() + 5000;
      const { chosen, entries } = await measureConvolution(device, convolution, () => performance.now() < end);
      const candidates = convCandidates(device, direction, g).map(({ name }) => name);
      expect(entries[0]?.choice).toBe(defaultChoice(device, direction, g).name);
      expect(entries.map((e) => e.choice).sort()).toEqual([...candidates].sort());
      expect(candidates).toContain(chosen);
      // None may be wrong; being slow is allowed.
      for (const { ms, excluded: left } of entries) {
        expect([undefined, 'too slow from the start', 'no time left']).toContain(left);
        if (left !== 'no time left') expect(ms).toBeGreaterThan(0);
      }
    }
    expect(device.memory.bytes).toBe(before);
    expect(convTuning(device).taken.size).toBe(0);
  });
});
