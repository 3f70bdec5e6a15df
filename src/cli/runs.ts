import { join } from 'node:path';
import { PixtapeError } from '../engine/util/errors.ts';
import { listFolder } from '../files/folder.ts';
import { reading } from '../pix2pix/train/checkpoint/checkpoint.ts';
import { readLog } from '../pix2pix/train/loop/folder/log.ts';
import { LATEST } from '../pix2pix/train/loop/run.ts';
import { Command } from './flags/commander.ts';
import { runsOption } from './flags/flags.ts';
import { listRuns, runsHint } from './run/folder.ts';
import { columns } from './shared/columns.ts';

/** What a run's folder says about it. */
interface Listed {
  name: string;
  folder: string;
  /** Step of its last checkpoint; absent if that cannot be read, for the reason in `error`. */
  step?: number;
  /** When the last checkpoint was written. */
  saved: Date;
  /** The last held-out L1, if any was measured. */
  heldOutL1?: number;
  /** The last sample grid. */
  picture?: string;
  error?: string;
}

export function runsCommand() {
  return new Command('runs')
    .description('List the runs, the newest first: step, age, last held-out L1 and last picture.')
    .addOption(runsOption())
    .option('--json', 'print everything as JSON')
    .allowExcessArguments(false)
    .action(async ({ checkpoints_dir: home, json }) => {
      const runs = await Promise.all(listRuns(home).map((run) => look(home, run)));
      if (json) console.log(JSON.stringify(runs, null, 2));
      else console.log(runs.length === 0 ? runsHint(home) : table(runs, Date.now()));
    });
}

async function look(home: string, { name, saved }: ReturnType<typeof listRuns>[number]): Promise<Listed> {
  const folder = join(home, name);
  const run: Listed = { name, folder, saved };
  try {
    run.step = await reading(join(folder, LATEST), async ({ metadata }) => Number(metadata.step));
    const score = (await readLog(join(folder, 'log.jsonl'))).findLast(({ testL1 }) => testL1 !== undefined)?.testL1;
    if (score !== undefined) run.heldOutL1 = score;
    const pictures = (await listFolder(join(folder, 'samples'))) ?? [];
    const last = pictures
      .filter((file) => /^step-\d+\.png$/.test(file))
      .sort((a, b) => stepIn(a) - stepIn(b))
      .at(-1);
    if (last !== undefined) run.picture = join(folder, 'samples', last);
  } catch (error) {
    if (!(error instanceof PixtapeError)) throw error;
    run.error = error.message;
  }
  return run;
}

const stepIn = (file: string): number => Number(/\d+/.exec(file)?.[0]);

function table(runs: readonly Listed[], now: number): string {
  const rows = runs.map(({ name, step, saved, heldOutL1, picture, error }) => [
    name,
    step === undefined ? '–' : String(step),
    `${age((now - saved.getTime()) / 1000)} ago`,
    heldOutL1?.toFixed(4) ?? '–',
    error ?? picture ?? '–',
  ]);
  return columns([['run', 'step', 'saved', 'held-out L1', 'last picture'], ...rows]);
}

/** Seconds → `40 s`, `12 min`, `5 h`, `3 d`. */
export function age(seconds: number): string {
  const units = [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
  ] as const;
  const [unit, length] = units.find(([, length]) => seconds >= length) ?? ['s', 1];
  return `${Math.floor(Math.max(0, seconds) / length)} ${unit}`;
}
