import { measureConvolutions } from './conv/conv.ts';
import { reportConvolutions } from './conv/report.ts';
import { ladderSection } from './ladder/ladder.ts';
import { memorySection } from './memory/memory.ts';
import type { Bench, SectionResult } from './section.ts';
import { hostSection } from './step/host.ts';
import { stepSection } from './step/step.ts';

export type SectionName = 'conv' | 'peers' | 'ladder' | 'memory' | 'step' | 'host';

/**
 * All sections, with their help lines. A run of all sections leaves out `peers`, which is part of `conv`, and `ladder`,
 * whose first steps are slow.
 */
export const SECTIONS: Readonly<Record<SectionName, { about: string; run(bench: Bench): Promise<SectionResult> }>> = {
  conv: {
    about: 'convolutions: forward, forward + gradients, each part; ours and the peers',
    run: (bench) => convolutions(bench, false),
  },
  peers: {
    about: 'the compared convolutions only, side by side with every peer',
    run: (bench) => convolutions(bench, true),
  },
  ladder: {
    about: 'each step from the definition of the convolution to the fastest kernel; only when asked for',
    run: ladderSection,
  },
  memory: {
    about: 'operations that only move memory, against the copy bandwidth',
    run: (bench) => memorySection(bench),
  },
  step: { about: 'whole training steps against PyTorch, kernel by kernel, GPU memory', run: stepSection },
  host: { about: 'what a replay costs JavaScript, and the time to the first step', run: hostSection },
};

export const ALL: readonly SectionName[] = ['conv', 'memory', 'step', 'host'];

async function convolutions(bench: Bench, sideBySide: boolean): Promise<SectionResult> {
  const rows = await measureConvolutions(bench, sideBySide);
  const { peers, missing } = await bench.peers();
  const { arithmetic } = await bench.roofline();
  const names = peers.map((peer) => peer.name);
  const result = reportConvolutions(rows, names, arithmetic, bench.kind);
  const absent = missing.map(({ name, reason }) => `${name} did not take part: ${reason}`);
  result.tables[0]?.notes.push(...absent);
  return result;
}
