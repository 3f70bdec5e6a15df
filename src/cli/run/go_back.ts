import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PixtapeError } from '../../engine/util/errors.ts';
import { copyFileAtomic } from '../../files/files.ts';
import { listFolder } from '../../files/folder.ts';
import { reading } from '../../pix2pix/train/checkpoint/checkpoint.ts';
import { ofEpoch, ofStep } from '../../pix2pix/train/loop/run.ts';
import type { RunFolder } from './folder.ts';

interface Flags {
  continue_train?: true;
  epoch?: number | string;
  load_iter?: number;
}

/** @throws PixtapeError if the flags name two checkpoints, or the run is a new one */
export function checkGoingBack({ continue_train: continued, epoch, load_iter: iteration = 0 }: Flags): void {
  const asked = [
    ...(epoch === undefined ? [] : [`--epoch ${epoch}`]),
    ...(iteration ? [`--load_iter ${iteration}`] : []),
  ];
  if (asked.length > 0 && !continued) {
    throw new PixtapeError(
      `${asked.join(' ')} goes back in a run, but this is a new one`,
      'Add --continue_train and the --name of the run.',
    );
  }
  if (typeof epoch === 'number' && iteration) {
    throw new PixtapeError(`${asked.join(' and ')} name two checkpoints to go back to`, 'Leave one of them out.');
  }
}

/**
 * Makes the checkpoint of an epoch or a step the run's latest one. Keeps the previous one, named after its step.
 * @throws PixtapeError listing the kept checkpoints, if there is no such one
 */
export async function goBack({ folder, latest }: RunFolder, { epoch, load_iter: iteration = 0 }: Flags): Promise<void> {
  const name = iteration ? ofStep(iteration) : typeof epoch === 'number' ? ofEpoch(epoch) : undefined;
  if (name === undefined) return;
  const path = join(folder, name);
  if (!existsSync(path)) {
    const kept = ((await listFolder(folder)) ?? []).filter((file) => /^(epoch|iter)-\d+\.safetensors$/.test(file));
    const there = kept.length === 0 ? 'none' : kept.sort().join(', ');
    throw new PixtapeError(
      `there is no checkpoint ${path}`,
      `Kept are: ${there}. --save_epoch_freq and --save_by_iter keep them as a run goes on.`,
    );
  }
  const [from, to] = [await stepOf(latest), await stepOf(path)];
  if (from === to) return;
  if (!existsSync(join(folder, ofStep(from)))) await copyFileAtomic(latest, join(folder, ofStep(from)));
  await copyFileAtomic(path, latest);
  console.log(`going back to step ${to} (${name}); the checkpoint of step ${from} is kept as ${ofStep(from)}`);
}

const stepOf = (path: string): Promise<number> => reading(path, async ({ metadata }) => Number(metadata.step));
