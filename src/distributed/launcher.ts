import { PixtapeError } from '../engine/util/errors.ts';

/** What a launcher of MPI programs tells each process of a run in its environment. */
export interface Launched {
  /** Who started it, for messages. */
  launcher: string;
  rank: number;
  /** Undefined where the launcher does not say, and only MPI itself knows. */
  ranks: number | undefined;
}

interface Launcher {
  name: string;
  rank: string;
  ranks?: string;
  /** Must be there, too. */
  also?: string;
}

/** In this order, since Slurm's and PMIx' variables are there under other launchers, too. */
const LAUNCHERS: readonly Launcher[] = [
  { name: "Open MPI's mpirun", rank: 'OMPI_COMM_WORLD_RANK', ranks: 'OMPI_COMM_WORLD_SIZE' },
  { name: "MPICH's mpiexec", rank: 'PMI_RANK', ranks: 'PMI_SIZE' },
  // A batch script has the variables of its job, but only what srun starts belongs to a step of several tasks.
  { name: "Slurm's srun", rank: 'SLURM_PROCID', ranks: 'SLURM_STEP_NUM_TASKS', also: 'SLURM_STEP_ID' },
  { name: 'a PMIx launcher', rank: 'PMIX_RANK' },
];

/**
 * Tells from its environment whether this process is one of several that a launcher has started.
 * @returns undefined for a process by itself, also where a launcher started it as the only one
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
