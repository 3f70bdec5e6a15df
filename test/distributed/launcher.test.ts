import { expect, test } from 'vitest';
import { firstDifference } from '../../src/distributed/agree.ts';
import { launchedBy } from '../../src/distributed/launcher.ts';
import { ownGpu } from '../../src/drivers/gpu_files.ts';

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

test('a variable that is no number is named', () => {
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

test('each process of a host takes a GPU of its own, unless somebody has chosen', () => {
  const two = ['0000:01:00.0', '0000:41:00.0'];
  expect(ownGpu(1, two, {})).toEqual({ DRI_PRIME: 'pci-0000_41_00_0' });
  expect(ownGpu(2, two, {})).toEqual({});
  expect(ownGpu(0, two.slice(1), {})).toEqual({});
  expect(ownGpu(1, two, { CUDA_VISIBLE_DEVICES: '1' })).toEqual({});
});
