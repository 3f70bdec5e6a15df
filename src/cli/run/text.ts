import { join } from 'node:path';
import type { Advice } from '../../drivers/index.ts';
import type { Recorded } from '../../engine/tape/record.ts';
import { PixtapeError } from '../../engine/util/errors.ts';
import { formatDuration } from '../../engine/util/format.ts';
import type { RunRecord } from '../../pix2pix/train/checkpoint/run_record.ts';
import type { LoopResult } from '../../pix2pix/train/loop/task.ts';
import { counter } from '../shared/counter.ts';
import { openInBrowser } from '../shared/open.ts';

/** The state in which a run began. */
type Beginning = Pick<RunRecord, 'pairs' | 'adapter'>;

/** Warns if a continued run will not repeat bit for bit, because its pictures or the adapter have changed. */
export function warnOfChanges(record: Beginning, now: Required<Beginning>, what: string, warn: (line: string) => void) {
  if (record.pairs !== undefined && record.pairs !== now.pairs) {
    warn(`the run began with ${record.pairs} ${what}, there are ${now.pairs} now: it goes on, in another order`);
  }
  if (record.adapter !== undefined && record.adapter !== now.adapter) {
    warn(`the run began on ${record.adapter}: it goes on, but not bit for bit as it would have there`);
  }
}

/** Records and compiles the training step, and reports how long it took. */
export async function compile(
  prepare: (onCompiled: (done: number, total: number) => void) => Promise<Recorded<unknown>>,
): Promise<void> {
  const start = performance.now();
  const { program } = await prepare(counter((done, total) => `kernels  ${done} of ${total} compiled`));
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(
    `kernels  ${program.kernels.length} compiled in ${seconds} s; a step is ${program.dispatchCount} dispatches`,
  );
}

/** @throws PixtapeError if no step is left to do */
export function checkStepsLeft(folder: string, done: number, steps: number, flags: string): void {
  if (done < steps) return;
  throw new PixtapeError(`${folder} has already done ${done} of ${steps} steps`, `Ask for more: a larger ${flags}.`);
}

export interface Ending {
  /** The command that goes on with the run. */
  command: 'train' | 'gan';
  folder: string;
  name: string;
  checkpointsDir: string;
  /** Follows the step, e.g. what was measured. */
  measured: string;
  /** A command to try the result with. */
  tryIt: string;
  /** Where the time went. */
  time: string;
  open: boolean;
}

/** Prints where the results are and how to go on. */
export function printEnding(result: LoopResult, said: Ending): void {
  const why = { done: 'done', time: 'time is up', interrupted: 'interrupted' }[result.end];
  console.log(`\n${why} after step ${result.steps}${said.measured}`);
  console.log(`  pictures    ${join(said.folder, 'samples')}`);
  console.log(`  report      ${result.report}`);
  console.log(`  checkpoint  ${result.checkpoint}`);
  if (result.end !== 'done') {
    const where = said.checkpointsDir === 'runs' ? '' : ` --checkpoints_dir ${shellQuoted(said.checkpointsDir)}`;
    console.log(`  go on with  npx pixtape ${said.command} --continue_train --name ${shellQuoted(said.name)}${where}`);
  }
  console.log(`  try it      ${said.tryIt}`);
  console.log(`  time        ${said.time}`);
  if (said.open && result.end !== 'interrupted') openInBrowser(result.report);
}

/** A note on a long run, once its pace is known. */
export function longRun(seconds: number, faster: Advice | undefined): string {
  const quicker = faster?.command ? `\n         faster with ${faster.text}: ${faster.command}` : '';
  return `pace     the run takes about ${formatDuration(seconds)}; --minutes 5 ends it sooner, and so does Ctrl-C, which saves${quicker}`;
}

/** `3 min 07 s: packages 43 s, driver 13 s, …`. Phases under half a second count as the rest. */
export function timeLine(spent: readonly { phase: string; seconds: number }[]): string {
  const total = spent.reduce((sum, { seconds }) => sum + seconds, 0);
  const long = spent.slice(0, -1).filter(({ seconds }) => seconds >= 0.5);
  const rest = total - long.reduce((sum, { seconds }) => sum + seconds, 0);
  const parts = [...long, { phase: 'the rest', seconds: rest }];
  return `${formatDuration(total)}: ${parts.map(({ phase, seconds }) => `${phase} ${formatDuration(seconds)}`).join(', ')}`;
}

/** Quotes an argument of a command line for copying, if it needs quotes. */
export const shellQuoted = (text: string): string => (/^[\w.,:/\\+-]+$/.test(text) ? text : `"${text}"`);
