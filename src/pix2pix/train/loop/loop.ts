import { join } from 'node:path';
import { removeStaleTemporaries } from '../../../files/files.ts';
import { FolderLock } from '../../../files/lock/lock.ts';
import { LogWriter } from './folder/log.ts';
import { SampleStore } from './folder/samples.ts';
import { Session } from './folder/session.ts';
import type { Progress } from './progress.ts';
import type { FolderTask, LoopOptions, LoopResult } from './task.ts';

const LOCK = { command: 'a training run', hint: 'Wait until it is done, or train into another folder.' };

/**
 * Runs the training loop and writes the run's folder: latest.safetensors, log.jsonl with a line per step, samples/ and
 * report.html. `interrupted` is asked after each step; if it returns true, that step is saved and training ends.
 * @throws PixtapeError if a loss is not finite, a picture cannot be read, or the disk is full; the last good
 *   checkpoint stays intact. FolderInUse if another process writes into the folder.
 */
export async function trainLoop<Loss extends string>(
  task: FolderTask<Loss>,
  options: LoopOptions,
  progress: Progress,
  interrupted: () => boolean,
): Promise<LoopResult> {
  const lock = options.lock ?? (await FolderLock.take(options.folder, LOCK));
  try {
    await lock.verify();
    return await loopIn(lock, task, options, progress, interrupted);
  } finally {
    if (!options.lock) await lock.release();
  }
}

async function loopIn<Loss extends string>(
  lock: FolderLock,
  task: FolderTask<Loss>,
  options: LoopOptions,
  progress: Progress,
  interrupted: () => boolean,
): Promise<LoopResult> {
  await removeStaleTemporaries(join(options.folder, 'samples'));
  const lastStep = options.resumed ? task.step : undefined;
  const samples = await SampleStore.open(join(options.folder, 'samples'), lastStep ?? -1);
  const log = await LogWriter.open(join(options.folder, 'log.jsonl'), lastStep);
  const session = new Session({ lock, task, options, progress, interrupted, samples, log });
  try {
    return await session.loop();
  } finally {
    log.close();
    progress.stop();
  }
}
