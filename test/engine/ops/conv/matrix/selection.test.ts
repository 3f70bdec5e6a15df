import { describe, expect, it } from 'vitest';
import { detachedDevice } from '../../../../../src/engine/gpu/dry_run.ts';
import { matrixTrial, matrixUnits, onMatrixUnit } from '../../../../../src/engine/gpu/shader/matrix_unit.ts';
import type { Precision } from '../../../../../src/engine/gpu/storage.ts';
import { conv2d } from '../../../../../src/engine/ops/conv/conv2d.ts';
import { convKey, parseConvKey } from '../../../../../src/engine/ops/conv/tuning/key.ts';
import { convCandidates } from '../../../../../src/engine/ops/conv/tuning/registry.ts';
import { convTuning } from '../../../../../src/engine/ops/conv/tuning/tuning.ts';
import { matmul } from '../../../../../src/engine/ops/matmul/matmul.ts';
import { backward } from '../../../../../src/engine/tape/autograd.ts';
import { recordProgram } from '../../../../../src/engine/tape/current.ts';
import { Tensor } from '../../../../../src/engine/tape/tensor.ts';
import { DIRECTIONS, geometry } from './compare.ts';
import { SIZES } from './devices.ts';
import emulated from './emulated_matrix.wgsl';

const UNIT = { ...SIZES['16x16x16'], largestSubgroup: 32, operations: emulated };
const BOTH = { componentType: 'f16', resultComponentType: 'f32' };
const FEATURES = new Set(['chromium-experimental-subgroup-matrix', 'subgroups', 'shader-f16', 'subgroup-size-control']);

/** A simulated GPU, with or without a matrix unit. */
async function gpu(unit = true) {
  const device = await detachedDevice();
  Object.assign(device.capabilities, { cpu: false, f16: true, ...(unit && { matrixUnit: UNIT }) });
  return device;
}

/** The names of the choices of a convolution and a matrix product in each direction. */
async function taken(precision: Precision, unit: boolean, table?: ReadonlyMap<string, string>) {
  const device = await gpu(unit);
  if (table) convTuning(device).table = table;
  const body = () => {
    const leaf = (shape: number[]) => Object.assign(Tensor.zeros(device, shape), { requiresGrad: true });
    const y = conv2d(leaf([1, 64, 32, 32]), leaf([64, 64, 3, 3]), undefined, { padding: 1 });
    backward(y, Tensor.zeros(device, y.shape, 'dy', precision));
    const product = matmul(leaf([96, 128]), leaf([128, 64]));
    backward(product, Tensor.zeros(device, product.shape, 'dy', precision));
  };
  recordProgram(device, precision, body);
  return [...convTuning(device).taken].map(([key, { choice }]) => ({ key, choice }));
}

describe('products of halves', () => {
  it('are used in programs of precision f16 on devices with a matrix unit, in every direction', async () => {
    const names = await taken('f16', true);
    expect(names).toHaveLength(6);
    for (const { key, choice } of names) {
      expect(choice, key).toMatch(/^matrix \d+x\d+$/);
      expect(key).toMatch(/ f16$/);
    }
  });

  it('are not used anywhere else, not even if a table of measurements names them', async () => {
    const measured = new Map((await taken('f16', true)).map(({ key, choice }) => [key.replace(' f16', ''), choice]));
    for (const [precision, unit] of [
      ['f32', true],
      ['f16', false],
    ] as const) {
      for (const { key, choice } of await taken(precision, unit, measured)) {
        expect(choice, key).toMatch(/^gemm /);
        expect(key).not.toMatch(/f16/);
      }
    }
  });

  it('have a separate key, which says so', () => {
    const g = { ...geometry({ inC: 8, outC: 6, inH: 9, inW: 7, kernel: 3, groups: 2 }), halves: true as const };
    expect(parseConvKey(convKey('forward', g))).toEqual({ direction: 'forward', g });
  });

  it('are not the default for narrow layers, but the tuner tries them for all', async () => {
    const device = await gpu();
    const g = { ...geometry({ inC: 3, outC: 8, inH: 32, inW: 32, kernel: 3, pad: 1 }), halves: true as const };
    for (const direction of DIRECTIONS) {
      const names = convCandidates(device, direction, g).map(({ name }) => name);
      expect(names.some((name) => name.startsWith('matrix '))).toBe(true);
      expect(names.some((name) => name.startsWith('gemm '))).toBe(true);
    }
  });
});

describe('a matrix unit', () => {
  const info = (more: object) => ({ subgroupMinSize: 32, subgroupMaxSize: 32, subgroupMatrixConfigs: [], ...more });
  const config = (M: number, N: number, K: number, types = BOTH) => ({ ...types, M, N, K });

  it('is the largest that sums halves in floats', () => {
    const halves = config(16, 16, 16, { componentType: 'f16', resultComponentType: 'f16' });
    const [first] = matrixUnits(
      info({ subgroupMatrixConfigs: [halves, config(16, 8, 8), config(16, 8, 16)] }),
      FEATURES,
    );
    expect(first).toMatchObject({ m: 16, n: 8, k: 16, subgroup: 32 });
    expect(matrixUnits(info({ subgroupMatrixConfigs: [halves] }), FEATURES)).toEqual([]);
  });

  it('is undefined if a feature is missing, sizes do not fit, or subgroups have no fixed size', () => {
    const some = { subgroupMatrixConfigs: [config(16, 16, 16)] };
    for (const feature of ['chromium-experimental-subgroup-matrix', 'subgroups', 'shader-f16']) {
      const fewer = new Set([...FEATURES].filter((name) => name !== feature));
      expect(matrixUnits(info(some), fewer), feature).toEqual([]);
    }
    expect(matrixUnits(info({ subgroupMatrixConfigs: [config(16, 16, 32)] }), FEATURES)).toEqual([]);
    expect(matrixUnits(info({ ...some, subgroupMinSize: 4, subgroupMaxSize: 4 }), FEATURES)).toEqual([]);
    const varying = info({ ...some, subgroupMaxSize: 64 });
    expect(matrixUnits(varying, new Set([...FEATURES].filter((name) => !/control/.test(name))))).toEqual([]);
    const [unit] = matrixUnits(varying, FEATURES);
    if (!unit) throw new Error('no unit');
    expect(onMatrixUnit(unit, '@compute @workgroup_size(INVOCATIONS)\nfn main() {}')).toMatch(
      /^enable subgroup_size_control;[\s\S]*@compute @workgroup_size\(INVOCATIONS\) @subgroup_size\(SUBGROUP\)\nfn main/,
    );
    expect(matrixTrial(unit).features).toContain('subgroup-size-control');
  });
});
