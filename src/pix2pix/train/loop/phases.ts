/** The phases of a training command. Packages and driver belong to the set-up, before the run. */
export const PHASES = [
  'packages',
  'driver',
  'data',
  'kernels',
  'training',
  'measuring',
  'pictures',
  'checkpoints',
] as const;
export type Phase = (typeof PHASES)[number];

/** Phases between training steps. */
const WITHIN_TRAINING: readonly Phase[] = ['measuring', 'pictures', 'checkpoints'];

/**
 * Runs `work` and records its duration in the process's timeline (User Timing). Set-up records its part there too: it
 * shares the process with the command, but no module.
 */
export async function inPhase<T>(phase: Phase, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  try {
    return await work();
  } finally {
    performance.measure(`pixtape:${phase}`, { start });
  }
}

/** Seconds in each phase so far, in order, then the seconds of the process in no phase. */
export function timeSpent(): { phase: Phase | 'the rest'; seconds: number }[] {
  const spent = new Map<Phase, number>();
  for (const phase of PHASES) {
    const entries = performance.getEntriesByName(`pixtape:${phase}`, 'measure');
    spent.set(
      phase,
      entries.reduce((sum, { duration }) => sum + duration / 1000, 0),
    );
  }
  const within = WITHIN_TRAINING.reduce((sum, phase) => sum + (spent.get(phase) ?? 0), 0);
  spent.set('training', Math.max(0, (spent.get('training') ?? 0) - within));
  const rest = performance.now() / 1000 - [...spent.values()].reduce((a, b) => a + b, 0);
  return [
    ...[...spent].map(([phase, seconds]) => ({ phase, seconds })),
    { phase: 'the rest', seconds: Math.max(0, rest) },
  ];
}
