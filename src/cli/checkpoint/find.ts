import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PixtapeError } from '../../engine/util/errors.ts';
import { readHead } from '../../files/read_at.ts';
import { identifyWeights } from '../../files/weights/identify.ts';
import { LATEST } from '../../pix2pix/train/loop/run.ts';
import { runsHint } from '../run/folder.ts';
import { shellQuoted } from '../run/text.ts';

/** Finds a checkpoint by its path, its run's folder or its run's name. @throws PixtapeError saying where it looked */
export function findCheckpoint(given: string, home: string): string {
  const inRun = join(home, given, LATEST);
  const isFolder = existsSync(given) && statSync(given).isDirectory();
  if (isFolder && existsSync(join(given, LATEST))) return join(given, LATEST);
  if (existsSync(given) && !isFolder) return checked(given);
  if (existsSync(inRun)) return inRun;
  const tried = [isFolder ? join(given, LATEST) : given, inRun].join(' nor ');
  throw new PixtapeError(`there is no checkpoint "${given}": neither ${tried}`, runsHint(home));
}

/** @throws PixtapeError if the file holds another program's weights */
function checked(path: string): string {
  if (identifyWeights(path, readHead(path, 512)) === 'safetensors') return path;
  throw new PixtapeError(
    `${path} is a file of PyTorch, not a checkpoint of pixtape`,
    `Make one of it first: npx pixtape import ${shellQuoted(path)} net.safetensors`,
  );
}
