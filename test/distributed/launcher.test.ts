import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkFinite, Ranks } from '../../src/cli/run/ranks.ts';
import { firstDifference } from '../../src/distributed/agree.ts';
import type { RankGroup } from '../../src/distributed/group.ts';
import { launchedBy } from '../../src/distributed/launcher.ts';
import { gpuAddresses, ownGpu } from '../../src/drivers/gpu_files.ts';

test.each([
  ['nothing', {}, undefined],
  ['one process of mpirun', { OMPI_COMM_WORLD_RANK: '0', OMPI_COMM_WORLD_SIZE: '1' }, undefined],
  ["Open MPI's", { OMPI_COMM_WORLD_RANK: '3', OMPI_COMM_WORLD_SIZE: '4', PMIX_RANK: '3' }, [/Open MPI/, 3, 4]],
  ["MPICH's", { PMI_RANK: '1', PMI_SIZE: '2' }, [/MPICH/, 1, 2]],
  ["Slurm's srun", { SLURM_PROCID: '2', SLURM_STEP_ID: '0', SLURM_STEP_NUM_TASKS: '8' }, [/srun/, 2, 8]],
  ["Slurm's, of a batch script itself", { SLURM_PROCID: '0', SLURM_NTASKS: '8' }, undefined],
  ['PMIx without a size', { PMIX_RANK: '1' }, [/PMIx/, 1, undefined]],
] as [string, NodeJS.ProcessEnv, [RegExp, number, number | undefined] | undefined][])('%s', (_, env, wanted) => {
  const found = launchedBy(env);
  if (!wanted) return expect(found).toBeUndefined();
  const [launcher, rank, ranks] = wanted;
  expect(found).toEqual({ launcher: expect.stringMatching(launcher), rank, ranks });
});

test('a variable that is not a number is named', () => {
  expect(() => launchedBy({ OMPI_COMM_WORLD_RANK: 'x', OMPI_COMM_WORLD_SIZE: '2' })).toThrow(
    /OMPI_COMM_WORLD_RANK is "x", where a launcher.*\n.*mpirun/,
  );
});

test('the first rank that differs from rank 0 is named, and in what', () => {
  const members = ['a', 'b', 'c'].map((host, rank) => ({ rank, host, pid: 1 }));
  const same = { seed: '1', 'the data set': '3 pairs' };
  expect(firstDifference([same, same, same], members)).toBeUndefined();
  expect(firstDifference([same, same, { ...same, seed: '2' }], members)).toBe(
    'rank 2 on c has seed 2, rank 0 on a has 1',
  );
  expect(firstDifference([same, { ...same, more: '5' }, same], members)).toBe(
    'rank 1 on b has more 5, rank 0 on a has none',
  );
});

test('each process of a host takes its own GPU, unless the user has chosen one', () => {
  const two = ['0000:01:00.0', '0000:41:00.0'];
  expect(ownGpu(1, two, {})).toEqual({ DRI_PRIME: 'pci-0000_41_00_0' });
  expect(ownGpu(2, two, {})).toEqual({});
  expect(ownGpu(0, two.slice(1), {})).toEqual({});
  expect(ownGpu(1, two, { CUDA_VISIBLE_DEVICES: '1' })).toEqual({});
});

/** Two hosts with two ranks each, assigned round-robin, as a launcher may do it. */
const members = ['a', 'b', 'a', 'b'].map((host, rank) => ({ rank, host, pid: 100 + rank }));
const ranksOf = (rank: number) =>
  new Ranks({ rank, count: 4, members, beginLongWork: () => () => undefined } as unknown as RankGroup);

test('ranks of two hosts take the GPUs of their host in the kernel’s order', () => {
  const home = mkdtempSync(join(tmpdir(), 'pixtape-drm-'));
  try {
    // A display controller without a render node, and a card whose node comes first but whose address does not.
    for (const [name, address] of [
      ['renderD128', '0000:41:00.0'],
      ['renderD129', '0000:01:00.0'],
      ['card0', '0000:01:00.0'],
    ] as const) {
      mkdirSync(join(home, 'devices', address), { recursive: true });
      mkdirSync(join(home, 'drm', name), { recursive: true });
      symlinkSync(join(home, 'devices', address), join(home, 'drm', name, 'device'));
    }
    const addresses = gpuAddresses(join(home, 'drm'));
    expect(addresses).toEqual(['0000:01:00.0', '0000:41:00.0']);
    const chosen = members.map(({ rank }) => {
      const env: NodeJS.ProcessEnv = {};
      ranksOf(rank).chooseGpu(addresses, env);
      return env.DRI_PRIME;
    });
    expect(chosen).toEqual(['pci-0000_01_00_0', 'pci-0000_01_00_0', 'pci-0000_41_00_0', 'pci-0000_41_00_0']);
    const env = { DRI_PRIME: 'pci-0000_99_00_0' };
    ranksOf(2).chooseGpu(addresses, env);
    expect(env.DRI_PRIME).toBe('pci-0000_99_00_0');
  } finally {
    rmSync(home, { recursive: true });
  }
  expect(gpuAddresses(join(home, 'nowhere'))).toEqual([]);
});

test('more ranks than GPUs on a host are refused, but not on its CPU', () => {
  const gpu = { capabilities: { cpu: false, f16: false, subgroupSize: 0 } };
  const cpu = { capabilities: { ...gpu.capabilities, cpu: true } };
  expect(() => ranksOf(1).checkGpus(gpu, ['0000:01:00.0'])).toThrow(/2 ranks share this host, which has 1 GPU\n/);
  for (const [device, addresses] of [
    [gpu, ['0000:01:00.0', '0000:41:00.0']],
    [cpu, ['0000:01:00.0']],
    [gpu, []],
  ] as const) {
    ranksOf(1).checkGpus(device, [...addresses]);
  }
});

test('the ranks that first had values that are not finite are named', () => {
  const named =
    (...ill: (number | null)[]) =>
    () =>
      checkFinite(members, ill, 7);
  named(null, null, null, null)();
  expect(named(5, 5, 2, null)).toThrow(
    /^step 7: rank 2 on a has computed a loss .* NaN or infinite\..*\n.*driver there/,
  );
  expect(named(null, 3, null, 3)).toThrow(/^step 7: rank 1 on b, rank 3 on b has/);
  expect(named(1, 1, 1, 1)).toThrow(/^step 7: every rank has .*\n.*--lr/);
});
