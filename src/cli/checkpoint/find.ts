import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PixtapeError } from '../../engine/util/errors.ts';
import { LATEST } from '../../pix2pix/train/loop/run.ts';
import { runsHint } from '../shared/run_folder.ts';

/** A checkpoint by its path, by its run's folder, or by its run's name. @throws PixtapeError saying where it looked. */
export function findCheckpoint(given: string, home: string): string {
  const inRun = join(home, given, LATEST);
  const isFolder = existsSync(given) && statSync(given).isDirectory();
  if (isFolder && existsSync(join(given, LATEST))) return join(given, LATEST);
  if (existsSync(given) && !isFolder) return given;
  if (existsSync(inRun)) return inRun;
  const tried = [isFolder ? join(given, LATEST) : given, inRun].join(' nor ');
  throw new PixtapeError(`there is no checkpoint "${given}": neither ${tried}`, runsHint(home));
}
