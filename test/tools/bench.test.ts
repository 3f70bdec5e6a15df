import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { difference, measureShape } from '../../bench/conv/conv.ts';
import { reportConvolutions } from '../../bench/conv/report.ts';
import { interleave, summary, timing } from '../../bench/measure.ts';
import { memorySection } from '../../bench/memory/memory.ts';
import { openBench, repositoryRoot } from '../../bench/open.ts';
import { loadOurs } from '../../bench/peers/ours.ts';
import { type ConvShape, convBytes, convFlops, reordered } from '../../bench/peers/peer.ts';
import { recordOf, rooflineTable, writeResults } from '../../bench/report/results.ts';
import copySource from '../../bench/roofline/copy.wgsl';
import { measureRoofline } from '../../bench/roofline/roofline.ts';
import type { Bench } from '../../bench/section.ts';
import { StepModel } from '../../bench/step/model.ts';
import { closeAdapter } from '../../src/drivers/index.ts';
import { dispatch } from '../../src/engine/tape/dispatch.ts';
import { record } from '../../src/engine/tape/record.ts';
import { Tensor } from '../../src/engine/tape/tensor.ts';
import { PRESETS } from '../../src/pix2pix/train/config/config.ts';

const ROUNDS = { rounds: 2, least: 0 };
const SHAPE: ConvShape = { batch: 2, inC: 3, outC: 5, side: 7, kernel: 3, padding: 1 };
const SMALL = 2 ** 13;

let bench: Bench & { close(): void };
const folder = mkdtempSync(join(tmpdir(), 'pixtape-test-'));

beforeAll(async () => {
  const options = { adapter: 'auto', quick: false, rows: '', peers: false, progress: () => {} };
  bench = await openBench({ ...options, rounds: ROUNDS });
  // On the machine's own sizes it takes seconds.
  const roofline = await measureRoofline(bench.device, ROUNDS, SMALL);
  bench.roofline = async () => roofline;
}, 120_000);
afterAll(() => {
  bench.close();
  closeAdapter();
  rmSync(folder, { recursive: true, force: true });
});

describe('timing', () => {
  test('the entries take turns; one that throws is dropped, and the others continue', async () => {
    const calls: string[] = [];
    const entry = (name: string, fails = false) => ({
      name,
      run: async (times: number) => {
        calls.push(name);
        if (fails && calls.length > 4) throw new Error(`${name} broke`);
        return 3 * times;
      },
    });
    const outcomes = await interleave([entry('a'), entry('b', true), entry('c')], { rounds: 2, least: 0 });
    expect(calls.join('')).toBe('abcabcac');
    expect(outcomes.get('b')).toEqual({ failed: 'b broke' });
    expect(timing(outcomes.get('c'))?.rounds).toEqual([3, 3]);
  });

  test('short runs are repeated, and a round gives the time of one run', async () => {
    const asked: number[] = [];
    const run = async (times: number) => {
      asked.push(times);
      return times * 4;
    };
    const outcomes = await interleave([{ name: 'a', run }], { rounds: 1, least: 20 });
    expect(asked).toEqual([1, 1, 5]);
    expect(outcomes.get('a')).toEqual({ median: 4, min: 4, max: 4, rounds: [4] });
  });

  test('the median is the middle value, or the mean of the two middle ones', () => {
    expect(summary([9, 1, 4]).median).toBe(4);
    expect(summary([8, 1, 4, 2]).median).toBe(3);
  });
});

describe('convolution', () => {
  test('ours is the convolution by its definition, and a wrong result is noticed', async () => {
    const { batch, inC, outC, side, kernel } = SHAPE;
    const values = (n: number, k: number) => Float32Array.from({ length: n }, (_, i) => Math.sin(i * k));
    const x = values(batch * inC * side ** 2, 1.3);
    const w = values(outC * inC * kernel ** 2, 2.1);
    const r = values(batch * outC * side ** 2, 0.7);
    const ours = await loadOurs(bench.device, { shape: SHAPE, x, w, r });
    const answer = await ours.answer();
    ours.free();
    expect(difference(definition(x, w, r), answer)).toBeLessThan(1e-5);
    const off = { ...answer, dw: answer.dw.map((v, i) => (i === 3 ? Number.NaN : v)) };
    expect(difference(answer, off)).toBe(Number.POSITIVE_INFINITY);
    expect(difference(answer, { ...answer, y: answer.dw })).toBe(Number.POSITIVE_INFINITY);
  });

  test('a shape is timed in both modes and in parts; without peers the demands are unmeasured, not met', {
    tags: 'long',
  }, async () => {
    const row = await measureShape(bench, SHAPE, true, true);
    for (const outcome of [...row.parts.values(), ...Object.values(row.compared).map((m) => m.get('pixtape'))]) {
      expect(timing(outcome)?.median).toBeGreaterThan(0);
    }
    const { tables, checks, points } = reportConvolutions([row], ['TF.js'], 50, 'lavapipe');
    for (const { columns, rows } of tables) for (const cells of rows) expect(cells.length).toBe(columns.length);
    expect(checks.map((c) => c.state)).toEqual(Array(4).fill('unmeasured'));
    expect(points.map((p) => p.intensity)).toEqual(Array(2).fill(convFlops(SHAPE) / convBytes(SHAPE)));
  });

  test('a demanded ratio is met or missed, and a peer with a different result is not compared', () => {
    const time = (ms: number) => summary([ms]);
    const mode = new Map([
      ['pixtape', time(1)],
      ['TF.js', time(20)],
      ['jax-js', time(2)],
    ]);
    const row = {
      shape: SHAPE,
      sideBySide: true,
      compared: { forward: mode, 'forward + gradients': mode },
      parts: new Map(),
    };
    const states = (differences: Map<string, number | string>) =>
      reportConvolutions([{ ...row, differences }], ['TF.js', 'jax-js'], 50, 'lavapipe').checks.map((c) => c.state);
    const off = (tfjs: number | string, jax: number | string) =>
      states(
        new Map([
          ['TF.js', tfjs],
          ['jax-js', jax],
        ]),
      );
    expect(off(1e-5, 1e-5)).toEqual(['met', 'missed', 'met', 'missed']);
    expect(off(0.1, 'lost')).toEqual(Array(4).fill('unmeasured'));
  });

  test('reordering dimensions and back gives the same array', () => {
    const data = Float32Array.from({ length: 120 }, (_, i) => i);
    const there = reordered(data, [2, 3, 4, 5], [0, 2, 3, 1]);
    expect([there[1], there[3]]).toEqual([20, 1]);
    expect(reordered(there, [2, 4, 5, 3], [0, 3, 1, 2])).toEqual(data);
  });
});

test.each([
  ['floats', 1, 64],
  ['floats', 1, 256],
  ['vectors', 4, 64],
] as const)('the copy by %s (%i) in slices of %i copies everything', async (entry, width, slice) => {
  const { device } = bench;
  const x = Tensor.from(
    device,
    [1000],
    Float32Array.from({ length: 1000 }, (_, i) => i + 1),
  );
  const y = Tensor.zeros(device, [1000]);
  const bound: Record<string, Tensor> = width === 1 ? { x, y } : { x4: x, y4: y };
  const n = 1000 / width;
  const groups = Math.ceil(n / slice);
  const program = await record(device, () => {
    dispatch(device.kernel('copy', copySource, entry), bound, { n, slice }, [groups]);
  });
  program.run();
  expect(await y.read()).toEqual(await x.read());
  program.destroy();
});

test('memory: every operation is recorded and timed, forward and backward', {
  tags: 'long',
  timeout: 120_000,
}, async () => {
  const { data, tables, checks } = await memorySection(bench, SMALL);
  const rows = data as { name: string; outcome: object }[];
  expect(rows.filter(({ name }) => name.endsWith('forward')).length).toBe(9);
  expect(rows.filter(({ name }) => name.endsWith('backward')).length).toBe(9);
  expect(checks.length).toBe(rows.length);
  expect(tables[0]?.rows.length).toBe(rows.length);
  for (const { name, outcome } of rows) {
    // On so small a tensor a backward can vanish in the noise of its forward.
    if ('failed' in outcome) expect(`${name}: ${outcome.failed}`).toMatch(/backward: too noisy/);
  }
});

test('step: time, kernels and memory of a tiny model', { tags: 'long', timeout: 240_000 }, async () => {
  const generator = { ...PRESETS.tutorial.generator, hidden: 2, depth: 2 };
  const config = { ...PRESETS.tutorial, generator, discHidden: 2, width: 16, height: 16, batch: 2, seed: 7 };
  const step = await StepModel.open(config);
  try {
    expect(await step.train(1)).toBeGreaterThan(step.host.median);
    await step.checkLosses();
    const { groups } = await step.groups();
    expect(groups.reduce((sum, group) => sum + group.dispatches, 0)).toBe(step.dispatches);
    expect(groups.length).toBeLessThan(step.dispatches);
    const { state, bytes, peak, bound } = step.memory;
    expect(state).toBeLessThan(bound);
    expect(bound).toBeLessThanOrEqual(bytes);
    expect(bytes).toBeLessThanOrEqual(peak);
  } finally {
    step.close();
  }
});

test('results: JSON, Markdown and a plot that renders in both colour schemes', async () => {
  const roofline = await bench.roofline();
  expect(roofline.arithmetic).toBeGreaterThan(0);
  const row = await measureShape(bench, SHAPE, true, false);
  const section = reportConvolutions([row], [], roofline.arithmetic, bench.kind);
  const tables = [rooflineTable(roofline), ...section.tables];
  const results = { record: await recordOf(bench, repositoryRoot()), roofline, sections: { conv: section } };
  const [json, markdown, plot] = writeResults(folder, 'some-driver', '-part', results, tables).map((f) =>
    readFileSync(f, 'utf8'),
  );
  expect(JSON.parse(json!)).toMatchObject({ driver: bench.device.description, conv: [{ layer: '2×3→5 @7' }] });
  expect(markdown).toContain('| 2×3→5 @7 |');
  expect(plot).not.toMatch(/NaN|undefined|Infinity/);
  expect(plot).toContain('prefers-color-scheme: dark');
  const { width, height } = await sharp(Buffer.from(plot!))
    .png()
    .toBuffer({ resolveWithObject: true })
    .then(({ info }) => info);
  expect([width, height]).toEqual([1080, 620]);
});

/** y, and the gradients of Σ y · r, by the definition. */
function definition(x: Float32Array, w: Float32Array, r: Float32Array) {
  const { batch, inC, outC, side, kernel, padding } = SHAPE;
  const [y, dx, dw] = [new Float32Array(r.length), new Float32Array(x.length), new Float32Array(w.length)];
  for (let place = 0; place < r.length; place++) {
    const [col, row] = [place % side, Math.floor(place / side) % side];
    const [o, n] = [Math.floor(place / side ** 2) % outC, Math.floor(place / (side ** 2 * outC))];
    expect(n).toBeLessThan(batch);
    for (let tap = 0; tap < inC * kernel ** 2; tap++) {
      const [v, u] = [tap % kernel, Math.floor(tap / kernel) % kernel];
      const [i, j] = [row + u - padding, col + v - padding];
      if (i < 0 || j < 0 || i >= side || j >= side) continue;
      const from = ((n * inC + Math.floor(tap / kernel ** 2)) * side + i) * side + j;
      const by = o * inC * kernel ** 2 + tap;
      y[place]! += w[by]! * x[from]!;
      dx[from]! += w[by]! * r[place]!;
      dw[by]! += x[from]! * r[place]!;
    }
  }
  return { y, dx, dw };
}
