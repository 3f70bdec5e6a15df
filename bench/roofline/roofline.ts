import type { Device } from '../../src/engine/gpu/device.ts';
import { dispatch, split1d } from '../../src/engine/tape/dispatch.ts';
import { type Recorded, record } from '../../src/engine/tape/record.ts';
import { Tensor } from '../../src/engine/tape/tensor.ts';
import { type Entry, interleave, type Rounds, type Timing, timing } from '../measure.ts';
import { timed } from '../peers/peer.ts';
import arithmetic from './arithmetic.wgsl';
import copy from './copy.wgsl';

/** The best that this device achieves, measured now. Other figures are given as a share of it. */
export interface Roofline {
  /** GFLOP/s of multiply-adds in registers. */
  arithmetic: number;
  /** GB/s of a copy, reading and writing counted. */
  copy: number;
  /** Every variant tried: its name, figure and timing. */
  tried: { name: string; value: number; unit: 'GFLOP/s' | 'GB/s'; timing: Timing }[];
}

/** Operations in one round of one invocation: 16 chains of 8 multiply-adds, two operations each. */
const FLOPS_A_ROUND = 16 * 8 * 2;

/** Elements of the tensors that are copied, here and in the memory section: one layer of the default model. */
export function memoryElements(device: Device): number {
  const wanted = device.capabilities.cpu ? 2 ** 22 : 2 ** 25;
  return Math.min(wanted, 2 ** Math.floor(Math.log2(device.bindingLimit / 4)));
}

export async function measureRoofline(
  device: Device,
  rounds: Rounds,
  elements = memoryElements(device),
): Promise<Roofline> {
  const ways = [...(await arithmeticWays(device)), ...(await copyWays(device, elements))];
  const outcomes = await interleave(
    ways.map((way) => way.entry),
    rounds,
  );
  const tried = ways.map(({ entry, unit, amount }) => {
    const measured = timing(outcomes.get(entry.name));
    if (!measured) throw new Error(`${entry.name}: ${JSON.stringify(outcomes.get(entry.name))}`);
    return { name: entry.name, unit, value: amount / measured.median / 1e6, timing: measured };
  });
  for (const way of ways) way.free();
  const best = (wanted: string) => Math.max(...tried.filter((t) => t.unit === wanted).map((t) => t.value));
  return { arithmetic: best('GFLOP/s'), copy: best('GB/s'), tried };
}

interface Way {
  entry: Entry;
  unit: 'GFLOP/s' | 'GB/s';
  /** Operations or bytes of one run. */
  amount: number;
  free(): void;
}

async function arithmeticWays(device: Device): Promise<Way[]> {
  // About 0.3 GFLOP on a CPU driver, and a hundred times that on a GPU.
  const n = device.capabilities.cpu ? 2 ** 13 : 2 ** 18;
  const rounds = device.capabilities.cpu ? 128 : 512;
  const ways: Way[] = [];
  for (const FMA of [false, true]) {
    const y = Tensor.zeros(device, [n], 'arithmetic');
    const kernel = device.kernel('bench arithmetic', arithmetic, 'main', { FMA });
    const params = { n, rounds, a: 0.999, b: 0.001 };
    const program = await record(device, () => dispatch(kernel, { y }, params, split1d(Math.ceil(n / 64))));
    const name = `multiply-add as ${FMA ? 'fma(a, b, c)' : 'a * b + c'}`;
    ways.push(way(device, name, 'GFLOP/s', n * rounds * FLOPS_A_ROUND, program, [y]));
  }
  return ways;
}

async function copyWays(device: Device, n: number): Promise<Way[]> {
  const ways: Way[] = [];
  for (const entry of ['floats', 'vectors'] as const) {
    for (const each of [1, 64, 1024]) {
      const width = entry === 'floats' ? 1 : 4;
      const x = Tensor.zeros(device, [n], 'source');
      const y = Tensor.zeros(device, [n], 'copy');
      const params = { n: n / width, slice: device.lanes * each };
      const bound: Record<string, Tensor> = entry === 'floats' ? { x, y } : { x4: x, y4: y };
      const program = await record(device, () => {
        dispatch(
          device.kernel(`bench ${entry}`, copy, entry),
          bound,
          params,
          split1d(Math.ceil(params.n / each / device.lanes)),
        );
      });
      const name = `copy of ${entry === 'floats' ? 'f32' : 'vec4f'}, ${each} an invocation`;
      ways.push(way(device, name, 'GB/s', 8 * n, program, [x, y]));
    }
  }
  return ways;
}

function way(
  device: Device,
  name: string,
  unit: Way['unit'],
  amount: number,
  program: Recorded<void>,
  leaves: readonly Tensor[],
): Way {
  return {
    unit,
    amount,
    entry: {
      name,
      run: (times) =>
        timed(async () => {
          program.run(times);
          await device.check();
        }),
    },
    free() {
      program.destroy();
      for (const leaf of leaves) leaf.dispose();
    },
  };
}
