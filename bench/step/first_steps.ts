import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { figure, type Table } from '../report/table.ts';
import type { Bench } from '../section.ts';

/** Milliseconds since the process began at which each part was done. */
interface FirstStep {
  opened: number;
  built: number;
  compiled: number;
  stepped: number;
  shaders: number;
}

export interface FirstSteps {
  cold: FirstStep;
  /** The median of several. */
  warm: FirstStep;
  error?: undefined;
}

const WARM_RUNS = 3;
let measured: Promise<FirstSteps | { error: string }> | undefined;

/**
 * Times the first step of `quick` in fresh processes: with an empty shader cache, then with the filled one. Measures
 * once, even if two sections ask.
 */
export function measureFirstSteps(bench: Bench): Promise<FirstSteps | { error: string }> {
  measured ??= measure(bench).catch((error: Error) => ({ error: error.message.split('\n')[0] ?? '' }));
  return measured;
}

async function measure(bench: Bench): Promise<FirstSteps> {
  const folder = mkdtempSync(join(tmpdir(), 'pixtape-cache-'));
  // Not XDG_CACHE_HOME: pixtape's own cache is where a lavapipe that was fetched lies.
  const caches = {
    MESA_SHADER_CACHE_DIR: join(folder, 'mesa'),
    __GL_SHADER_DISK_CACHE_PATH: folder,
  };
  const once = async (): Promise<FirstStep> => {
    const env = { ...bench.environment, ...caches, PIXTAPE_ADAPTER: bench.adapterChoice };
    const { stdout } = await promisify(execFile)(process.execPath, [bench.firstStep], { env });
    return JSON.parse(stdout.split('\n').findLast((line) => line.startsWith('{')) ?? '');
  };
  try {
    bench.progress('first step of quick, empty shader cache');
    const cold = await once();
    bench.progress('first step of quick, filled shader cache');
    const warm: FirstStep[] = [];
    for (let i = 0; i < WARM_RUNS; i++) warm.push(await once());
    warm.sort((a, b) => a.stepped - b.stepped);
    return { cold, warm: warm[Math.floor(WARM_RUNS / 2)] as FirstStep };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function firstStepTable(firsts: FirstSteps | { error: string }): Table {
  const cells = (name: string, { opened, built, compiled, stepped, shaders }: FirstStep) => [
    name,
    ...[opened, built - opened, compiled - built, stepped - compiled, stepped].map((ms) => figure(ms / 1000)),
    String(shaders),
  ];
  return {
    title: 'Time to the first step of quick',
    columns: ['shader cache', 'device s', 'weights s', 'shaders s', 'step s', 'in all s', 'shaders'],
    rows: firsts.error === undefined ? [cells('empty', firsts.cold), cells('filled', firsts.warm)] : [],
    notes: [
      'A fresh process, from its start to the first loss (wanted on lavapipe: 20 s empty, 3 s filled, at most).',
      ...(firsts.error === undefined ? [] : [`failed: ${firsts.error}`]),
    ],
  };
}
