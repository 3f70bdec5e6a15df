import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { formatBytes } from '../../src/engine/util/format.ts';
import { writeFileAtomic } from '../../src/files/files.ts';
import type { Evaluation } from '../../src/pix2pix/train/evaluate/evaluate.ts';
import type { SegmentationScores } from '../../src/pix2pix/train/evaluate/segmentation.ts';
import { findPyTorch, trainInPyTorch } from './pytorch/train.ts';
import type { Result } from './store.ts';
import type { Measure, ResultTable, Row } from './tables.ts';

/** The part of `pixtape eval --json`'s output that is needed here. */
type Written = Evaluation & {
  step: number;
  fcn?: NonNullable<Result['fcn']> & { scores: Partial<Record<'ours' | 'real', SegmentationScores>> };
};

/** The flags of a row as one text. A row's flag overrides the table's. */
export function commandOf({ train }: Pick<ResultTable, 'train'>, { flags }: Pick<Row, 'flags'>): string {
  const own = flags.split(' ').filter((word) => word.startsWith('--'));
  const shared = train.split(/ (?=--)/).filter((flag) => !own.includes(flag.split(' ')[0] as string));
  return [...shared, ...(flags === '' ? [] : [flags])].join(' ');
}

export interface RunOptions {
  root: string;
  /** The folder of runs. An interrupted run continues from there. */
  runs: string;
  say: (line: string) => void;
}

/**
 * Trains and measures one row with one seed, each in its own process. Continues an interrupted run.
 * @throws Error with the command if it fails
 */
export async function makeResult(table: ResultTable, row: Row, seed: number, options: RunOptions): Promise<Result> {
  const { root, runs, say } = options;
  const { engine, prepare } = row;
  const train = commandOf(table, row);
  const name = runName(train, seed, engine);
  const before = loadavg()[0] ?? 0;
  const dataroot = /--dataroot (\S+)/.exec(train)?.[1];
  if (prepare && dataroot !== undefined) {
    await prepare(join(root, dataroot), (args) => pixtape(root, args));
  }
  say(`train ${train} --seed ${seed}${engine === 'pytorch' ? ' in PyTorch' : ''}`);
  const trained = await once(join(runs, name, 'trained.json'), () => {
    return (engine === 'pytorch' ? withPyTorch : withPixtape)(train, seed, name, options);
  });
  say(`eval  ${table.evaluate} (trained in ${trained.seconds.toFixed(0)} s)`);
  const json = join(runs, name, 'scores.json');
  const sheet = join(runs, name, 'sheet.png');
  const words = table.evaluate.split(' ').filter(Boolean);
  const measured = await pixtape(root, [
    'eval',
    name,
    ...['--checkpoints_dir', runs, '--json', json, '--sheet', sheet, ...words],
  ]);
  const written = JSON.parse(readFileSync(json, 'utf8')) as Written;
  const { means, colours, fcn, step } = written;
  const copied = scoresOf(means.copy, undefined, undefined);
  return {
    train,
    evaluate: table.evaluate,
    seed,
    ...(engine ? { engine } : {}),
    steps: step,
    seconds: { train: Math.round(trained.seconds), evaluate: Math.round(measured.seconds) },
    scores: {
      ...scoresOf(means.ours, colours.ours, fcn?.scores.ours),
      ...(copied.l1 === undefined ? {} : { copyL1: copied.l1 }),
      ...(copied.ssim === undefined ? {} : { copySsim: copied.ssim }),
    },
    real: scoresOf(means.real, undefined, fcn?.scores.real),
    ...(fcn ? { fcn: { parameters: fcn.parameters, steps: fcn.steps, loss: fcn.loss, adapter: fcn.adapter } } : {}),
    date: new Date().toISOString(),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memory: formatBytes(totalmem()),
    adapter: trained.adapter,
    node: process.version,
    commit: spawnSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).stdout.trim(),
    load: [round(before, 1), round(loadavg()[0] ?? 0, 1)],
  };
}

/** The folder of a run under `RunOptions.runs`. */
export function runName(train: string, seed: number, engine?: Row['engine']): string {
  const name = createHash('sha256').update(`${train} ${seed}`).digest('hex').slice(0, 12);
  return engine ? `${engine}-${name}` : name;
}

interface Trained {
  seconds: number;
  adapter: string;
}

/** A run that was interrupted after its training is not trained again. */
async function once(path: string, train: () => Promise<Trained>): Promise<Trained> {
  if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8'));
  const trained = await train();
  await writeFileAtomic(path, JSON.stringify(trained));
  return trained;
}

async function withPixtape(train: string, seed: number, name: string, { root, runs }: RunOptions): Promise<Trained> {
  const going = existsSync(join(runs, name, 'latest.safetensors'));
  // Sample grids cost time and are not used here.
  const quiet = ['--display_freq', '1000000'];
  const flags = going ? ['--continue_train'] : [...train.split(' '), '--seed', String(seed), ...quiet];
  const { said, seconds } = await pixtape(root, ['train', ...flags, '--name', name, '--checkpoints_dir', runs]);
  // A signal to the training alone ends it with 0, at the step that it has reached.
  if (/^interrupted after/m.test(said))
    throw new Error(`the run ${name} was interrupted; the same command continues it`);
  return { seconds, adapter: /^adapter +(.*)$/m.exec(said)?.[1] ?? 'unknown' };
}

async function withPyTorch(train: string, seed: number, name: string, { root, runs }: RunOptions): Promise<Trained> {
  const found = findPyTorch(root);
  if ('missing' in found) throw new Error(found.missing);
  const seconds = await trainInPyTorch(root, [...train.split(' '), '--seed', String(seed)], join(runs, name));
  return { seconds, adapter: `PyTorch ${found.version}` };
}

function scoresOf(
  means: Evaluation['means']['ours'],
  colours: Evaluation['colours']['ours'],
  fcn: SegmentationScores | undefined,
): Partial<Record<Measure, number>> {
  const { l1, ssim, saturation } = means ?? {};
  const { pixel, perClass, iou } = fcn ?? {};
  const all = Object.entries({ pixel, perClass, iou, l1, ssim, saturation, ...colours });
  return Object.fromEntries(all.flatMap(([key, value]) => (value === undefined ? [] : [[key, round(value, 5)]])));
}

const round = (value: number, digits: number) => Number(value.toFixed(digits));

/** Runs a command of dist/, and shows its progress on this terminal. */
function pixtape(root: string, args: readonly string[]): Promise<{ said: string; seconds: number }> {
  const began = performance.now();
  const child = spawn(process.execPath, [join(root, 'dist', 'pixtape.js'), ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (bytes: Buffer) => {
    said += bytes;
    process.stdout.write(bytes);
  });
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code) => {
      if (code === 0) done({ said, seconds: (performance.now() - began) / 1000 });
      else fail(new Error(`pixtape ${args.join(' ')} ended with ${code}`));
    });
  });
}
