import { describe, expect, it } from 'vitest';
import { listCandidates } from '../../src/drivers/candidates.ts';
import { askingForHalves, withHalves } from '../../src/drivers/probe/halves.ts';
import { type ProbeAnswer, probe } from '../../src/drivers/probe/probe.ts';
import { recipe } from '../../src/drivers/probe/recipe.ts';
import { FLOATS, HALVES } from '../../src/drivers/probe/trial.ts';
import type { AdapterReport } from '../../src/drivers/types.ts';

const plain: ProbeAnswer = {
  loader: 'libvulkan.so.1',
  flags: ['one', 'adapter=NVIDIA H200'],
  names: [],
  name: 'NVIDIA H200',
  adapter: adapter({}),
};

function adapter(more: Partial<AdapterReport>): AdapterReport {
  const sizes = { subgroupMinSize: 32, subgroupMaxSize: 32 };
  return { vendor: 'nvidia', architecture: '', device: '0x1', features: ['subgroups'], limits: {}, ...sizes, ...more };
}

describe('halves that Dawn disables', () => {
  const asking = (more: Partial<ProbeAnswer>) => askingForHalves(recipe({ flags: ['one'] }), { ...plain, ...more });

  it("are enabled on NVIDIA's Vulkan driver, for the chosen adapter", () => {
    const asked = asking({});
    expect(asked).toMatchObject({ loaders: ['libvulkan.so.1'], trial: HALVES });
    expect(asked?.flags.slice(0, 2)).toEqual(plain.flags);
    expect(asked?.flags[2]).toMatch(/^enable-dawn-features=.*\bvulkan_enable_f16_on_nvidia\b/);
  });

  it('are not enabled where Dawn has them, or disables nothing', () => {
    expect(asking({ adapter: adapter({ features: ['shader-f16'] }) })).toBeUndefined();
    expect(asking({ adapter: adapter({ vendor: 'amd' }) })).toBeUndefined();
    expect(asking({ fallback: true })).toBeUndefined();
    expect(asking({ failure: 'crash' })).toBeUndefined();
    // Direct3D and Metal, which have no Vulkan loader.
    const { loader: _, ...withoutLoader } = plain;
    expect(askingForHalves(recipe({}), withoutLoader)).toBeUndefined();
  });

  it('are used if the same adapter has passed the trial', () => {
    const asked = { ...plain, flags: ['one', 'two'], adapter: adapter({ features: ['shader-f16', 'subgroups'] }) };
    const taken = withHalves(plain, asked);
    expect(taken).toEqual({ ...plain, flags: asked.flags, adapter: asked.adapter });
    expect(taken.withoutHalves).toBeUndefined();
  });

  it('are not used, with the reason, if the process died, the result is wrong, or it is another adapter', () => {
    const died: ProbeAnswer = { flags: [], names: [], failure: 'crash', message: 'the driver ended the process' };
    expect(withHalves(plain, died)).toEqual({ ...plain, withoutHalves: 'the driver ended the process' });
    expect(withHalves(plain, plain).withoutHalves).toMatch(/does not give/);
    const other = { ...plain, adapter: adapter({ device: '0x2', features: ['shader-f16'] }) };
    expect(withHalves(plain, other)).toEqual({ ...plain, withoutHalves: 'Dawn gave 0x2 instead' });
  });
});

describe('what a driver must compute', () => {
  it.each([FLOATS, HALVES])('is right on the drivers here, and a wrong result shows %#', async (trial) => {
    let tried = 0;
    for (const candidate of listCandidates(process.env).filter(({ kind }) => kind !== 'gpu')) {
      const made = await candidate.prepare().catch(() => undefined);
      if (!made) continue;
      const run = (expected: readonly number[]) =>
        probe({ ...made, trial: { ...trial, expected } }, false, process.env, '');
      const right = await run(trial.expected);
      if (right.message === `it has no ${trial.feature}`) continue;
      expect(right, candidate.description).not.toHaveProperty('failure');
      const wrong = await run(trial.expected.map((word, i) => (i === 5 ? word + 1 : word)));
      expect(wrong, candidate.description).toMatchObject({
        failure: 'error',
        message: expect.stringMatching(/computes wrong.*word 5/),
      });
      tried++;
    }
    if (!trial.feature && process.platform === 'linux' && process.arch === 'x64') expect(tried).toBeGreaterThan(0);
  });
});
