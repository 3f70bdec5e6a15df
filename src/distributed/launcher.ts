import { PixtapeError } from '../engine/util/errors.ts';

/** What an MPI launcher tells each process of a run through its environment. */
export interface Launched {
  /** The launcher's name, for messages. */
  launcher: string;
  rank: number;
  /** Undefined if the launcher does not say and only MPI itself knows. */
  ranks: number | undefined;
}

interface Launcher {
  name: string;
  rank: string;
  ranks?: string;
  /** A variable that must be set as well. */
  also?: string;
}

/** The order matters: other launchers set Slurm's and PMIx' variables too. */
const LAUNCHERS: readonly Launcher[] = [
  { name: "Open MPI's mpirun", rank: 'OMPI_COMM_WORLD_RANK', ranks: 'OMPI_COMM_WORLD_SIZE' },
  { name: "MPICH's mpiexec", rank: 'PMI_RANK', ranks: 'PMI_SIZE' },
  // A batch script has its job's variables, but only processes that srun starts belong to a step of several tasks.
  { name: "Slurm's srun", rank: 'SLURM_PROCID', ranks: 'SLURM_STEP_NUM_TASKS', also: 'SLURM_STEP_ID' },
  { name: 'a PMIx launcher', rank: 'PMIX_RANK' },
];

/**
 * Tells from its environment whether this process is one of several that a launcher has started.
 * @returns undefined for a single process, even if a launcher started it
 * @throws PixtapeError if a variable is no number
 */
export function launchedBy(env: NodeJS.ProcessEnv): Launched | undefined {
  const found = LAUNCHERS.find(({ rank, ranks, also }) => [rank, ranks, also].every((name) => !name || env[name]));
  if (!found) return undefined;
  const rank = numberIn(env, found.rank);
  const ranks = found.ranks === undefined ? undefined : numberIn(env, found.ranks);
  return ranks === 1 ? undefined : { launcher: found.name, rank, ranks };
}

function numberIn(env: NodeJS.ProcessEnv, name: string): number {
  const text = env[name] ?? '';
  if (/^\d+$/.test(text)) return Number(text);
  throw new PixtapeError(
    `the environment's ${name} is "${text}", where a launcher of MPI programs writes a number`,
    'Start this without that variable, or with mpirun, mpiexec or srun.',
  );
}
