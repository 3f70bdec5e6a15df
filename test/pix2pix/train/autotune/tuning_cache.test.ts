import { readdir, readFile, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { parseConvKey } from '../../../../src/engine/ops/conv/tuning/key.ts';
import { parseChoice } from '../../../../src/engine/ops/conv/tuning/registry.ts';
import { convTuning } from '../../../../src/engine/ops/conv/tuning/tuning.ts';
import type { BenchmarkResult } from '../../../../src/pix2pix/train/autotune/benchmark.ts';
import { choicesOf, TuningCache } from '../../../../src/pix2pix/train/autotune/tuning_cache.ts';
import { recordedTuning, tuningRecord } from '../../../../src/pix2pix/train/checkpoint/tuning_record.ts';
import { temporaryFolders } from '../tiny.ts';

const folder = temporaryFolders();
const FIRST = 'forward 2x8x64x64 16x8x3x3 s1x1 p1x1';
const SECOND = 'weightGradient 2x8x64x64 16x8x3x3 s1x1 p1x1';
const won: BenchmarkResult = {
  chosen: 'tile 2x2x8',
  entries: [
    { choice: 'gemm 16x64', ms: 2.5 },
    { choice: 'tile 2x2x8', ms: 1.25 },
  ],
};
const stayed: BenchmarkResult = {
  chosen: 'gemm 16x64',
  entries: [
    { choice: 'gemm 16x64', ms: 2 },
    { choice: 'direct', excluded: 'its result is off' },
  ],
};

/** A listener for warnings, and those that it has received. */
function listener() {
  const heard: string[] = [];
  return { heard, warn: (line: string) => void heard.push(line) };
}

it('returns what was put in, and adds to it', async () => {
  const home = folder();
  const { heard, warn } = listener();
  const cache = new TuningCache('a GPU', '1.0', home);
  expect(await cache.read(warn)).toEqual(new Map());
  await cache.add(new Map([[FIRST, stayed]]));
  await cache.add(new Map([[SECOND, stayed]]));
  await cache.add(new Map([[FIRST, won]]));
  const again = await new TuningCache('a GPU', '1.0', home).read(warn);
  expect(again).toEqual(
    new Map([
      [FIRST, won],
      [SECOND, stayed],
    ]),
  );
  expect(choicesOf(again).get(FIRST)).toBe('tile 2x2x8');
  expect(heard).toEqual([]);
  expect(await readdir(home)).toHaveLength(1);
});

it('has no entries for another adapter, driver or version', async () => {
  const home = folder();
  const { heard, warn } = listener();
  await new TuningCache('a GPU (driver 1)', '1.0', home).add(new Map([[FIRST, won]]));
  for (const [adapter, version] of [
    ['a GPU (driver 2)', '1.0'],
    ['a GPU (driver 1)', '1.1'],
  ] as const) {
    expect(await new TuningCache(adapter, version, home).read(warn)).toEqual(new Map());
  }
  expect(heard).toEqual([]);
});

it.each([
  ['half a file', (text: string) => text.slice(0, text.length / 2)],
  ['nothing', () => ''],
  ['null', () => 'null'],
  ['another adapter', (text: string) => text.replace('a GPU', 'b GPU')],
  ['a key that is none', (text: string) => text.replace('forward', 'sideways')],
  ['a choice that is none', (text: string) => text.replace('"tile 2x2x8",', '7,')],
  ['entries that are none', (text: string) => text.replace(/"entries": \[[^\]]*\]/, '"entries": [null]')],
])('does not trust a damaged file (%s): warns, and writes it anew', async (_, damage) => {
  const home = folder();
  const { heard, warn } = listener();
  const cache = new TuningCache('a GPU', '1.0', home);
  await cache.add(new Map([[FIRST, won]]));
  const whole = await readFile(cache.path, 'utf8');
  expect(damage(whole)).not.toBe(whole);
  await writeFile(cache.path, damage(whole));
  expect(await cache.read(warn)).toEqual(new Map());
  expect(heard).toHaveLength(1);
  expect(heard[0]).toContain(`${cache.path} is damaged`);
  await cache.add(new Map([[FIRST, won]]));
  expect(await readFile(cache.path, 'utf8')).toBe(whole);
});

it('writes the choices into a record, and reads them for the same adapter only', () => {
  const device = { description: 'a GPU' } as Device;
  const { direction, g } = parseConvKey(FIRST) ?? {};
  if (!direction || !g) throw new Error(`${FIRST} is no key`);
  convTuning(device).table = new Map([
    [FIRST, 'gemm 64x64'],
    [SECOND, 'direct'],
  ]);
  convTuning(device).note(direction, g, parseChoice('gemm 16x64'));
  const tuning = tuningRecord(device);
  expect(tuning).toEqual({ adapter: 'a GPU', choices: { [FIRST]: 'gemm 16x64', [SECOND]: 'direct' } });
  const stored = JSON.parse(JSON.stringify({ tuning }));
  expect(recordedTuning(stored, device)).toEqual(new Map(Object.entries(tuning.choices)));
  expect(recordedTuning(stored, { description: 'b GPU' })).toBeUndefined();
  expect(recordedTuning({}, device)).toBeUndefined();
  expect(recordedTuning({ tuning: null }, device)).toBeUndefined();
  expect(recordedTuning({ tuning: 'x' }, device)).toBeUndefined();
});
