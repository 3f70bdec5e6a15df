import { describe, expect, it } from 'vitest';
import { listCandidates } from '../../src/drivers/candidates.ts';
import { askingForMatrices, withMatrices } from '../../src/drivers/probe/matrices.ts';
import { type ProbeAnswer, probe } from '../../src/drivers/probe/probe.ts';
import { EXPERIMENTAL, recipe } from '../../src/drivers/probe/recipe.ts';
import type { AdapterReport, FoundMatrices } from '../../src/drivers/types.ts';

const MATRIX = 'chromium-experimental-subgroup-matrix';

const adapter = (more: Partial<AdapterReport> = {}): AdapterReport => {
  const sizes = { subgroupMinSize: 32, subgroupMaxSize: 64 };
  return { vendor: 'amd', architecture: '', device: '0x1', features: ['shader-f16'], limits: {}, ...sizes, ...more };
};

const matrices = (side: number, subgroup: number, largest = subgroup): FoundMatrices => ({
  flags: ['one', EXPERIMENTAL],
  features: [MATRIX, 'subgroup-size-control', 'subgroups', 'shader-f16'],
  info: {
    subgroupMinSize: subgroup,
    subgroupMaxSize: largest,
    subgroupMatrixConfigs: [{ componentType: 'f16', resultComponentType: 'f32', M: side, N: side, K: side }],
  },
});

const plain: ProbeAnswer = {
  loader: 'libvulkan.so.1',
  flags: ['one'],
  names: [],
  adapter: adapter(),
  matrices: matrices(16, 32, 64),
};

describe('a matrix unit that Dawn disables', () => {
  const asking = (more: Partial<ProbeAnswer>) => askingForMatrices(recipe({ flags: ['one'] }), { ...plain, ...more });

  it('is enabled if an adapter has one that kernels can use', () => {
    const asked = asking({});
    expect(asked).toMatchObject({ loaders: ['libvulkan.so.1'], flags: ['one', EXPERIMENTAL] });
    expect(asked?.trial).toMatchObject({ feature: MATRIX, groups: 1, input: [] });
    expect(asked?.trial.beside).toContain('subgroup-size-control');
    // Two subgroups of 32 fit a workgroup of 64, each with a product of 16 × 16.
    expect(asked?.trial.expected).toHaveLength(2 * 16 * 16);
  });

  it('is not enabled otherwise', () => {
    const { matrices: _, ...without } = plain;
    expect(askingForMatrices(recipe({}), without)).toBeUndefined();
    expect(asking({ fallback: true })).toBeUndefined();
    expect(asking({ failure: 'crash' })).toBeUndefined();
    const halves = { ...matrices(16, 32), features: [MATRIX, 'subgroups'] };
    expect(asking({ matrices: halves })).toBeUndefined();
  });

  it('is used if the same adapter has passed the trial, and otherwise not, with the reason', () => {
    const proved = { ...plain, flags: ['one', EXPERIMENTAL], adapter: adapter({ features: [MATRIX, 'shader-f16'] }) };
    expect(withMatrices(plain, proved)).toEqual({ ...plain, flags: proved.flags, adapter: proved.adapter });
    const died: ProbeAnswer = { flags: [], names: [], failure: 'crash', message: 'the driver ended the process' };
    expect(withMatrices(plain, died)).toEqual({ ...plain, withoutMatrices: 'the driver ended the process' });
    expect(withMatrices(plain, plain).withoutMatrices).toMatch(/does not give/);
    const other = { ...proved, adapter: adapter({ device: '0x2', features: [MATRIX] }) };
    expect(withMatrices(plain, other)).toEqual({ ...plain, withoutMatrices: 'Dawn gave 0x2 instead' });
  });

  it('must multiply right, in a separate process', async ({ skip }) => {
    const lavapipe = listCandidates(process.env).find(({ kind }) => kind === 'lavapipe');
    const made = await lavapipe?.prepare().catch(() => undefined);
    skip(!made, 'no lavapipe');
    if (!made) return;
    // Mesa 26.2 crashes with matrices on vectors of 512 bits.
    const env = { ...made.env, LP_NATIVE_VECTOR_WIDTH: '256' };
    const found = { ...matrices(8, 8), flags: [...made.flags, EXPERIMENTAL] };
    const asked = askingForMatrices({ ...made, env }, { ...plain, loader: made.loaders[0] as string, matrices: found });
    if (!asked) throw new Error('nothing is asked for');
    const right = await probe(asked, false, process.env, '');
    skip(right.message === `it has no ${MATRIX}`, 'no matrices with this driver');
    expect(right).not.toHaveProperty('failure');
    const expected = asked.trial.expected.map((word, i) => (i === 5 ? word + 1 : word));
    const wrong = await probe({ ...asked, trial: { ...asked.trial, expected } }, false, process.env, '');
    expect(wrong).toMatchObject({ failure: 'error', message: expect.stringMatching(/computes wrong.*word 5/) });
  });
});
